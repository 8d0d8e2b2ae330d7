#include "afterleak/loops/interpose.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace afterleak::loops::internal {

constinit thread_local int OwnCall::depth_ = 0;

namespace {

void* FindIn(const char* file, const char* name) {
  void* const module = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
  if (module == nullptr) return nullptr;
  void* const found = dlsym(module, name);
  dlclose(module);  // the caller keeps it loaded
  return found;
}

}  // namespace

void* FindNext(const char* name, const void* caller) {
  if (void* const next = dlsym(RTLD_NEXT, name)) return next;
  Dl_info ours, theirs;
  if (dladdr(reinterpret_cast<const void*>(&FindNext), &ours) == 0) return nullptr;
  // A library may jump from one of its functions to another, and then the caller is us.
  if (caller != nullptr && dladdr(caller, &theirs) != 0 && theirs.dli_fbase != ours.dli_fbase) {
    if (void* const found = FindIn(theirs.dli_fname, name)) return found;
  }
  // What a plug-in brought along is in nobody's scope but its own.
  for (const link_map* module = _r_debug.r_map; module != nullptr; module = module->l_next) {
    const auto* const begin = reinterpret_cast<const void*>(module->l_addr);
    if (begin == ours.dli_fbase || *module->l_name == '\0') continue;
    if (void* const found = FindIn(module->l_name, name)) return found;
  }
  return nullptr;
}

void* FindLoaded(const char* name) { return dlsym(RTLD_DEFAULT, name); }

Module::Module(const void* function) {
  Dl_info info;
  void* map = nullptr;
  if (function == nullptr || dladdr1(function, &info, &map, RTLD_DL_LINKMAP) == 0) return;
  struct Search {
    const link_map* library;
    Module* found;
  } search = {static_cast<const link_map*>(map), this};
  dl_iterate_phdr(
      [](dl_phdr_info* loaded, std::size_t, void* data) {
        const auto& [library, found] = *static_cast<Search*>(data);
        if (loaded->dlpi_addr != library->l_addr) return 0;
        for (int i = 0; i < loaded->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = loaded->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          found->begin_ = loaded->dlpi_addr + header.p_vaddr;
          found->end_ = found->begin_ + header.p_memsz;
        }
        return 1;
      },
      &search);
}

// The instruction before the return address tells, as far as the library was compiled as usual: its
// own functions are called through its table of them (PLT), or through an address that is relative
// to the instruction (-fno-plt).
bool Module::CallsByName(const void* return_address) const {
  if (!Contains(return_address)) return false;
#if defined(__x86_64__)
  std::array<std::uint8_t, 6> code;
  if (reinterpret_cast<std::uintptr_t>(return_address) - begin_ < code.size()) return true;
  std::memcpy(code.data(), static_cast<const std::uint8_t*>(return_address) - code.size(),
              code.size());
  std::int32_t distance = 0;
  std::memcpy(&distance, &code[2], sizeof distance);
  const bool is_relative = code[1] == 0xE8 &&  // and not the end of another instruction
                           Contains(static_cast<const std::uint8_t*>(return_address) + distance);
  return is_relative || (code[0] == 0xFF && code[1] == 0x15);
#elif defined(__aarch64__)
  std::uint32_t instruction = 0;
  std::memcpy(&instruction, static_cast<const std::uint8_t*>(return_address) - sizeof instruction,
              sizeof instruction);
  return instruction >> 26 == 0x25;  // BL
#else
  return true;
#endif
}

bool IsInLoop(const void* code) {
  static const Module loops[] = {
      Module(FindNext("event_add", nullptr)), Module(FindNext("ev_run", nullptr)),
      Module(FindNext("sd_event_new", nullptr)), Module(FindNext("uv_run", nullptr))};
  return std::ranges::any_of(loops, [&](const Module& loop) { return loop.Contains(code); });
}

}  // namespace afterleak::loops::internal
