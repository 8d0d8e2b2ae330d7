#include "afterleak/loops/virtual_real.h"

#include <dlfcn.h>

#include <string_view>

#include "afterleak/loops/interpose.h"

// Clang's sanitizers are linked into the program, so nothing is behind it: they have these names.
extern "C" {
#define AFTERLEAK_INTERCEPTOR(name) [[gnu::weak]] decltype(::name) __interceptor_##name;
AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_INTERCEPTOR)
#undef AFTERLEAK_INTERCEPTOR
}

namespace afterleak::loops::internal {
namespace {

// The C library has two sets of condition variables, and a plain look-up may give the older one.
constexpr const char* kNewConditions = "GLIBC_2.3.2";

void* FindReal(const char* name, void* interceptor) {
  if (interceptor != nullptr) return interceptor;
  void* const next = FindNext(name, nullptr);
  if (!std::string_view(name).starts_with("pthread_cond_")) return next;
  Dl_info info;
  Dl_info library;
  const bool known =
      dladdr(next, &info) != 0 && dladdr(dlsym(RTLD_NEXT, "gnu_get_libc_version"), &library) != 0;
  if (known && info.dli_fbase != library.dli_fbase) return next;  // a sanitizer's
  void* const newer = dlvsym(RTLD_NEXT, name, kNewConditions);
  return newer != nullptr ? newer : next;
}

}  // namespace

const RealFunctions& Real() {
  static const RealFunctions real = [] {
    RealFunctions found{};
#define AFTERLEAK_FIND(name)                        \
  found.name = reinterpret_cast<decltype(&::name)>( \
      FindReal(#name, reinterpret_cast<void*>(&__interceptor_##name)));
    AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_FIND)
#undef AFTERLEAK_FIND
    return found;
  }();
  return real;
}

const char* NotInFront() {
#define AFTERLEAK_CHECK(name) \
  if (FindLoaded(#name) != reinterpret_cast<void*>(&::name)) return #name;
  AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_CHECK)
#undef AFTERLEAK_CHECK
  return nullptr;
}

}  // namespace afterleak::loops::internal
