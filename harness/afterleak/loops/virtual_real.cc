#include "afterleak/loops/virtual_real.h"

#include <dlfcn.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
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

RealFunctions LookUp() {
  RealFunctions found{};
#define AFTERLEAK_FIND(name)                        \
  found.name = reinterpret_cast<decltype(&::name)>( \
      FindReal(#name, reinterpret_cast<void*>(&__interceptor_##name)));
  AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_FIND)
#undef AFTERLEAK_FIND
  return found;
}

constinit std::atomic<const RealFunctions*> known = nullptr;

[[gnu::constructor]] void LookUpBeforeMain() { Real(); }

}  // namespace

const RealFunctions& Real() {
  if (const RealFunctions* const found = known.load(std::memory_order_acquire)) return *found;
  static const RealFunctions real = LookUp();
  known.store(&real, std::memory_order_release);
  return real;
}

int RealClock(clockid_t clock, timespec* now) {
  if (const RealFunctions* const found = known.load(std::memory_order_acquire))
    return found->clock_gettime(clock, now);
  return static_cast<int>(
      SystemCall(SYS_clock_gettime, {clock, reinterpret_cast<long>(now), 0, 0, 0, 0}));
}

std::int64_t RealNanoseconds() {
  timespec now;
  RealClock(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

long SystemCall(long number, const long (&argument)[6]) {
  // All are read before one is in its register: a sanitizer calls functions where memory is read.
  const long first = argument[0], second = argument[1], third = argument[2];
  const long fourth = argument[3], fifth = argument[4], sixth = argument[5];
  long result;
#if defined(__x86_64__)
  register long r10 asm("r10") = fourth;
  register long r8 asm("r8") = fifth;
  register long r9 asm("r9") = sixth;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long a0 asm("x0") = first;
  register long a1 asm("x1") = second;
  register long a2 asm("x2") = third;
  register long a3 asm("x3") = fourth;
  register long a4 asm("x4") = fifth;
  register long a5 asm("x5") = sixth;
  register long a8 asm("x8") = number;
  asm volatile("svc 0"
               : "+r"(a0)
               : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a8)
               : "memory");
  result = a0;
#else
#error "add the system call of this processor"
#endif
  if (result < 0 && result > -4096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

// A sanitizer has many of them, and may be before us for a file of ours that nothing asked for.
const char* NotInFront() {
  const Module ours(reinterpret_cast<const void*>(&NotInFront));
#define AFTERLEAK_CHECK(name)                                              \
  if (FindLoaded(#name) != reinterpret_cast<void*>(&::name)) return #name; \
  if (!ours.Contains(reinterpret_cast<void*>(&::name))) return #name;
  AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_CHECK)
#undef AFTERLEAK_CHECK
  return nullptr;
}

}  // namespace afterleak::loops::internal
