#include "afterleak/loops/interpose.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>

namespace afterleak::loops::internal {

constinit thread_local int OwnCall::depth_ = 0;

void* FindNext(const char* name, const void* caller) {
  if (void* const next = dlsym(RTLD_NEXT, name)) return next;
  Dl_info info;
  if (caller == nullptr || dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return nullptr;
  void* const module = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (module == nullptr) return nullptr;
  void* const found = dlsym(module, name);
  dlclose(module);  // the caller keeps it loaded
  return found;
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

bool IsInLoop(const void* code) {
  static const Module loops[] = {
      Module(FindNext("event_add", nullptr)), Module(FindNext("ev_run", nullptr)),
      Module(FindNext("sd_event_new", nullptr)), Module(FindNext("uv_run", nullptr))};
  return std::ranges::any_of(loops, [&](const Module& loop) { return loop.Contains(code); });
}

}  // namespace afterleak::loops::internal
