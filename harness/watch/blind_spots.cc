#include "watch/blind_spots.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include "watch/child.h"

namespace afterleak::watch {
namespace {

struct Loop {
  std::string_view library;
  std::string_view function;  // which the program has itself if the library is linked statically
};
constexpr Loop kLoops[] = {{"libuv", "uv_timer_start"},       {"libevent", "event_add"},
                           {"libev", "ev_timer_start"},       {"GLib", "g_timeout_add_full"},
                           {"sd-event", "sd_event_add_time"}, {"Qt", "_ZN6QTimerC1EP7QObject"}};

// What the file of a program says of it.
struct Program {
  bool is_elf = false;
  bool is_64_bit = false;
  bool is_dynamic = false;
  bool is_go = false;
  bool has_asio = false;
  bool has_asio_hook = false;
  bool has_loops = false;  // afterleak::loops, which stands in front of the same functions
  std::string loader{};
  std::set<std::string_view> own_loops{};
  bool needs_asan = false;
};

class ElfFile {
 public:
  explicit ElfFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    if (descriptor_ >= 0) elf_ = elf_begin(descriptor_, ELF_C_READ_MMAP, nullptr);
  }
  ~ElfFile() {
    if (elf_ != nullptr) elf_end(elf_);
    if (descriptor_ >= 0) close(descriptor_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  Program Read() const {
    Program program;
    GElf_Ehdr header;
    if (elf_ == nullptr || elf_kind(elf_) != ELF_K_ELF || gelf_getehdr(elf_, &header) == nullptr)
      return program;
    program.is_elf = true;
    program.is_64_bit = header.e_ident[EI_CLASS] == ELFCLASS64;
    ReadSegments(program);
    ReadSections(program);
    return program;
  }

 private:
  void ReadSegments(Program& program) const {
    std::size_t count = 0;
    if (elf_getphdrnum(elf_, &count) != 0) return;
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf_, static_cast<int>(i), &segment) == nullptr ||
          segment.p_type != PT_INTERP)
        continue;
      program.is_dynamic = true;
      Elf_Data* const data = elf_getdata_rawchunk(elf_, static_cast<std::int64_t>(segment.p_offset),
                                                  segment.p_filesz, ELF_T_BYTE);
      if (data != nullptr && data->d_size > 0)
        program.loader.assign(static_cast<const char*>(data->d_buf), data->d_size - 1);
    }
  }

  void ReadSections(Program& program) const {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf_, &names) != 0) return;
    for (Elf_Scn* section = elf_nextscn(elf_, nullptr); section != nullptr;
         section = elf_nextscn(elf_, section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr) continue;
      const char* const name = elf_strptr(elf_, names, header.sh_name);
      if (name != nullptr && std::string_view(name).starts_with(".go.")) program.is_go = true;
      if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
        ReadSymbols(section, header, program);
      if (header.sh_type == SHT_DYNAMIC) ReadNeeded(section, header, program);
    }
  }

  void ReadSymbols(Elf_Scn* section, const GElf_Shdr& header, Program& program) const {
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) return;
    const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) continue;
      const char* const text = elf_strptr(elf_, header.sh_link, symbol.st_name);
      if (text == nullptr || symbol.st_shndx == SHN_UNDEF) continue;
      const std::string_view name = text;
      if (name.find("4asio6detail") != std::string_view::npos) program.has_asio = true;
      if (name.find("13asio_tracking") != std::string_view::npos &&
          name.find("uses_") != std::string_view::npos)
        program.has_asio_hook = true;  // asio_tracking.h, and not only asio.cc
      if (name == "afterleak_loops") program.has_loops = true;
      for (const Loop& loop : kLoops) {
        if (name == loop.function) program.own_loops.insert(loop.library);
      }
    }
  }

  void ReadNeeded(Elf_Scn* section, const GElf_Shdr& header, Program& program) const {
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) return;
    const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < count; ++i) {
      GElf_Dyn entry;
      if (gelf_getdyn(data, i, &entry) == nullptr || entry.d_tag != DT_NEEDED) continue;
      const char* const name = elf_strptr(elf_, header.sh_link, entry.d_un.d_val);
      if (name != nullptr && std::string_view(name).starts_with("libasan.so"))
        program.needs_asan = true;
    }
  }

  int descriptor_;
  Elf* elf_ = nullptr;
};

bool IsPrivileged(const std::string& file) {
  struct stat about;
  if (stat(file.c_str(), &about) != 0) return false;
  if ((about.st_mode & S_ISUID) != 0 && about.st_uid != geteuid()) return true;
  if ((about.st_mode & S_ISGID) != 0 && about.st_gid != getegid()) return true;
  return geteuid() != 0 && getxattr(file.c_str(), "security.capability", nullptr, 0) > 0;
}

// The interpreter that the first line names, and its argument. Empty if it is no script.
std::array<std::string, 2> InterpreterOf(const std::string& file) {
  std::ifstream script(file, std::ios::binary);
  std::string line;
  if (script.get() != '#' || script.get() != '!' || !std::getline(script, line)) return {};
  std::istringstream words(line);
  std::array<std::string, 2> found;
  words >> found[0] >> found[1];
  return found;
}

bool IsInterpreter(const std::string& file) {
  constexpr std::string_view kNames[] = {"python", "perl", "ruby", "lua", "php", "node"};
  const std::string name = std::filesystem::path(file).filename();
  return std::ranges::any_of(kNames,
                             [&](std::string_view known) { return name.starts_with(known); });
}

bool IsShell(const std::string& file) {
  constexpr std::string_view kNames[] = {"sh", "bash", "dash", "zsh", "ksh", "busybox"};
  const std::string name = std::filesystem::path(file).filename();
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// What is run in place of a script; empty if that cannot be.
std::string ProgramOf(const std::string& file) {
  const auto [interpreter, argument] = InterpreterOf(file);
  if (interpreter.empty()) return file;
  try {
    const bool is_env = std::filesystem::path(interpreter).filename() == "env";
    return ProgramOf(is_env ? FindProgram(argument) : interpreter);
  } catch (const std::invalid_argument&) {
    return {};  // it cannot be started, and exec says so
  }
}

// Why nothing is preloaded into it; empty if that is not known.
std::string WhyNotLoaded(const std::string& file, const std::string& name, const Program& program) {
  if (!program.is_dynamic)
    return fmt::format(
        "{} is linked statically, so nothing can be preloaded; link the C library dynamically",
        name);
  if (program.is_64_bit != (sizeof(void*) == 8))
    return fmt::format("{} is for another processor or word length than afterleak", name);
  if (program.loader.find("musl") != std::string::npos)
    return fmt::format("{} is for musl, and what is preloaded is for glibc", name);
  if (IsPrivileged(file))
    return fmt::format(
        "{} gets privileges when it starts (setuid, or capabilities), so nothing is preloaded; "
        "start afterleak with them",
        name);
  return {};
}

std::string AboutGo(const std::string& name) {
  return fmt::format("{} is a Go program: its timers are in Go's own run-time", name);
}

}  // namespace

std::string WhyNotVirtual(const std::string& script) {
  const std::string file = ProgramOf(script);
  const std::string name = std::filesystem::path(file).filename();
  const Program program = ElfFile(file).Read();
  if (!program.is_elf) return {};
  return program.is_go ? AboutGo(name) : WhyNotLoaded(file, name, program);
}

std::vector<std::string> BlindSpots(const std::string& script) {
  const std::string file = ProgramOf(script);
  const std::string name = std::filesystem::path(file).filename();
  const Program program = ElfFile(file).Read();
  std::vector<std::string> lines;
  if (!program.is_elf) return lines;
  if (program.is_go) lines.push_back(AboutGo(name));
  if (std::string why = WhyNotLoaded(file, name, program); !why.empty())
    lines.push_back(std::move(why));
  if (!program.is_dynamic) return lines;
  if (program.needs_asan)
    lines.push_back(
        fmt::format("{} has GCC's AddressSanitizer, which wants to be first; set "
                    "ASAN_OPTIONS=verify_asan_link_order=0, or build it with clang",
                    name));
  for (const std::string_view library : program.own_loops) {
    if (!program.has_loops)
      lines.push_back(
          fmt::format("{} is linked statically into {}; link its shared library", library, name));
  }
  if (program.has_asio && !program.has_asio_hook)
    lines.push_back(
        fmt::format("{} uses Asio, which is compiled into it; to see its timers build it with "
                    "target_link_libraries(... afterleak::loops_asio)",
                    name));
  if (IsInterpreter(file))
    lines.push_back(fmt::format(
        "{} is an interpreter: timers of the language itself are not those of a C library", name));
  if (IsShell(file))
    lines.push_back(fmt::format(
        "{} is a shell: the programs that it starts are not recorded; watch them, or let it "
        "replace itself (exec)",
        name));
  return lines;
}

}  // namespace afterleak::watch
