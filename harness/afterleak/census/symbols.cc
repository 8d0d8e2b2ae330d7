#include "afterleak/census/symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <ranges>
#include <span>
#include <unordered_map>
#include <utility>

#include "afterleak/census/site.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {
namespace {

std::string Demangled(const char* name) {
  if (name == nullptr) return {};
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return ShortFunction(status == 0 ? plain.get() : name);
}

// The name that the linker sees tells the namespace; a plain name is all that C has.
std::string NameOf(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  for (const unsigned int which : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    const char* const name = dwarf_formstring(dwarf_attr_integrate(&die, which, &attribute));
    if (name != nullptr) return Demangled(name);
  }
  const char* const name = dwarf_diename(&die);
  return name != nullptr ? name : "";
}

// The compiler writes relative names, and debug information joins them with a folder.
std::string Plain(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return std::string(path);
}

class Process {
 public:
  static Process& Get() {
    static Process& process = *new Process;
    return process;
  }

  const std::vector<Frame>& FramesAt(std::uintptr_t return_address) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = known_.try_emplace(return_address);
    if (is_new) known->second = LookUp(return_address);
    return known->second;
  }

  void NameAddressesOf(std::vector<LoadedFile> files) {
    const std::lock_guard lock(mutex_);
    if (files == files_) return;
    const bool same = files.size() >= files_.size() &&  // and has loaded more
                      std::ranges::equal(files_, std::span(files).first(files_.size()));
    files_ = std::move(files);
    Refresh();
    if (!same) return known_.clear();
    std::erase_if(known_, [](const auto& known) { return known.second.front().module.empty(); });
  }

 private:
  Process() { Refresh(); }

  std::vector<Frame> LookUp(std::uintptr_t return_address) {
    const Dwarf_Addr address = return_address - 1;  // within the call, not behind it
    Dwfl_Module* module = dwfl_addrmodule(dwfl_, address);
    if (module == nullptr) {  // loaded since we looked
      Refresh();
      module = dwfl_addrmodule(dwfl_, address);
    }
    if (module == nullptr) return {Frame{}};
    Dwarf_Addr start = 0;
    const char* const name =
        dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);

    std::vector<Frame> frames(1);
    Frame innermost;
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = UnitAt(module, address, bias);
    if (Dwarf_Line* const line =
            unit != nullptr ? dwarf_getsrc_die(unit, address - bias) : nullptr) {
      int number = 0;
      const char* const file = dwarf_linesrc(line, nullptr, nullptr);
      dwarf_lineno(line, &number);
      innermost.file = file != nullptr ? Plain(file) : "";
      innermost.line = static_cast<std::uint32_t>(number);
    }
    frames = Expand(unit, address - bias, std::move(innermost));
    if (frames.back().function.empty())
      frames.back().function = Demangled(dwfl_module_addrname(module, address));
    for (Frame& frame : frames) {
      frame.module = name != nullptr ? name : "";
      frame.offset = address - start;
    }
    return frames;
  }

  void Refresh() {
    static const Dwfl_Callbacks callbacks = {.find_elf = &dwfl_linux_proc_find_elf,
                                             .find_debuginfo = &dwfl_standard_find_debuginfo,
                                             .section_address = nullptr,
                                             .debuginfo_path = nullptr};
    if (dwfl_ == nullptr) dwfl_ = dwfl_begin(&callbacks);
    dwfl_report_begin(dwfl_);
    if (files_.empty()) dwfl_linux_proc_report(dwfl_, getpid());
    // The latest first: one that was unloaded may have been where another is now, and the first
    // that is reported wins.
    for (const LoadedFile& file : std::views::reverse(files_))
      dwfl_report_elf(dwfl_, file.path.c_str(), file.path.c_str(), -1, file.bias, true);
    dwfl_report_end(dwfl_, nullptr, nullptr);
  }

  // The compilation unit that has the address, and what to take off from the address in it. Clang
  // writes no table of that, and where others do, elfutils 0.188 may give the unit that is before
  // it. So the units are asked one by one.
  static Dwarf_Die* UnitAt(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr& bias) {
    Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
    if (unit != nullptr && dwarf_haspc(unit, address - bias) > 0) return unit;
    unit = nullptr;
    do {
      unit = dwfl_module_nextcu(module, unit, &bias);
    } while (unit != nullptr && dwarf_haspc(unit, address - bias) <= 0);
    return unit;
  }

  // One frame for each function inlined at the address, and one for the function that they are in.
  static std::vector<Frame> Expand(Dwarf_Die* unit, Dwarf_Addr address, Frame innermost) {
    std::vector<Frame> frames{std::move(innermost)};
    if (unit == nullptr) return frames;
    Dwarf_Die* found = nullptr;
    const int count = dwarf_getscopes(unit, address, &found);
    if (count <= 0) return frames;
    std::unique_ptr<Dwarf_Die, void (*)(void*)> scopes(found, &std::free);
    // The scopes around an inlined function are those where it was written, not where it was
    // called: ask for those of the DIE itself.
    Dwarf_Die* of_die = nullptr;
    const int die_count = dwarf_getscopes_die(&scopes.get()[0], &of_die);
    if (die_count <= 0) return frames;
    scopes.reset(of_die);
    for (int i = 0; i < die_count; ++i) {
      Dwarf_Die& scope = scopes.get()[i];
      const int tag = dwarf_tag(&scope);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
      frames.back().function = NameOf(scope);
      if (tag == DW_TAG_subprogram) break;
      Frame caller;
      Dwarf_Attribute attribute;
      Dwarf_Word value = 0;
      if (dwarf_formudata(dwarf_attr(&scope, DW_AT_call_line, &attribute), &value) == 0)
        caller.line = static_cast<std::uint32_t>(value);
      Dwarf_Files* files = nullptr;
      if (dwarf_formudata(dwarf_attr(&scope, DW_AT_call_file, &attribute), &value) == 0 &&
          dwarf_getsrcfiles(unit, &files, nullptr) == 0) {
        const char* const file = dwarf_filesrc(files, value, nullptr, nullptr);
        caller.file = file != nullptr ? Plain(file) : "";
      }
      frames.push_back(std::move(caller));
    }
    return frames;
  }

  std::mutex mutex_;
  Dwfl* dwfl_ = nullptr;
  std::vector<LoadedFile> files_;                                 // none: those of this process
  std::unordered_map<std::uintptr_t, std::vector<Frame>> known_;  // elements do not move
};

}  // namespace

const std::vector<Frame>& FramesAt(std::uintptr_t return_address) {
  const heap::Scope::Suspend suspend;
  return Process::Get().FramesAt(return_address);
}

void NameAddressesOf(std::vector<LoadedFile> files) {
  Process::Get().NameAddressesOf(std::move(files));
}

}  // namespace afterleak::internal
