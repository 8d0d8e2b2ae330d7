// Standing in front of a function of a shared library: a definition in the program wins over the
// library's, also for calls from other libraries, and calls on to it.
//
//   int TimerStop(uv_timer_t* timer) {                   // see libuv.cc
//     static const auto next = Next<int(uv_timer_t*)>("uv_timer_stop", AFTERLEAK_CALLER);
//     ...
//   }
//   AFTERLEAK_IN_FRONT(int, uv_timer_stop, TimerStop, (uv_timer_t*))
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <type_traits>

#include "afterleak/version.h"

// The return address of the function that stands in front: for its own body only.
#define AFTERLEAK_CALLER __builtin_extract_return_addr(__builtin_return_address(0))

// Makes `ours`, an extern "C" function, the program's definition of `name`. It is weak: that wins
// over a shared library, and gives way to a library that is linked statically: the address of
// `name` is then another.
#define AFTERLEAK_IN_FRONT(Result, name, ours, parameters) \
  extern "C" [[gnu::weak, gnu::alias(#ours), gnu::visibility("default")]] Result name parameters

namespace afterleak::loops::internal {

// The function of that name behind ours: of the libraries loaded after the program, or else of the
// one that `caller` is in (a plug-in loaded with RTLD_LOCAL) or of what that one needs, or else of
// any that is loaded. Null if there is none. Microseconds, so keep what it returns.
void* FindNext(const char* name, const void* caller);

// The function of that name that the program itself would get; null if there is none.
void* FindLoaded(const char* name);

template <typename Function>
  requires std::is_function_v<Function>
Function* Next(const char* name, const void* caller = nullptr) {
  return reinterpret_cast<Function*>(FindNext(name, caller));
}

template <typename Function>
  requires std::is_function_v<Function>
Function* Loaded(const char* name) {
  return reinterpret_cast<Function*>(FindLoaded(name));
}

// A function of the C library that is called on, also in a signal handler: look it up before main.
// Clang's sanitizers are linked into the program, so theirs is not behind ours: pass it as theirs,
// which is a weak __interceptor_NAME.
template <typename Function>
class LibcFunction {
 public:
  constexpr explicit LibcFunction(const char* name) : name_(name) {}

  Function* LookUp(Function* theirs = nullptr) {
    Function* found = found_.load(std::memory_order_relaxed);
    if (found != nullptr) return found;
    found = theirs != nullptr ? theirs : Next<Function>(name_);
    found_.store(found, std::memory_order_relaxed);
    return found;
  }

 private:
  const char* name_;
  std::atomic<Function*> found_ = nullptr;
};

// Where a library is in memory, by the address of one of its functions: to tell its calls of its
// own functions from those of the program.
class Module {
 public:
  explicit Module(const void* function);

  bool Contains(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= begin_ && at < end_;
  }

  // True if that is the return address of a call that the library made by the function's name.
  // Where a callback of the program ends with a call, the compiler makes a jump of it, and that
  // leaves the return address of the callback, which was called through a pointer.
  // Known on x86-64 and AArch64; elsewhere such a call is taken for the library's.
  bool CallsByName(const void* return_address) const;

 private:
  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
};

// Marks a call that a function of ours has in hand, on this thread. A library that calls another of
// its own functions may come back to us, and that call is none of the program's.
class OwnCall {
 public:
  OwnCall() { ++depth_; }
  ~OwnCall() { --depth_; }
  OwnCall(const OwnCall&) = delete;
  OwnCall& operator=(const OwnCall&) = delete;

  bool IsOutermost() const { return depth_ == 1; }

  // True in a signal handler that came while one was in hand, too.
  static bool InHand() { return depth_ != 0; }

  // Suspends the mark while a callback of the program runs.
  class Callback {
   public:
    Callback() : depth_(OwnCall::depth_) { OwnCall::depth_ = 0; }
    ~Callback() { OwnCall::depth_ = depth_; }
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;

   private:
    const int depth_;
  };

 private:
  static constinit thread_local int depth_;
};

// What stands in front of a function of the C library leaves errno as that function does.
class KeepErrno {
 public:
  KeepErrno() = default;
  ~KeepErrno() { errno = errno_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  const int errno_ = errno;
};

// True if the code is in the shared library of a loop.
bool IsInLoop(const void* code);

// True if a loop library called: it has one timer of the kernel for all those that it keeps. Asio,
// which is compiled into the program, is known by the names of its functions: that takes
// milliseconds for each line that is new, and a program that is stripped has no names. (Of a
// program that is watched the watcher finds it out, watch/report.h.)
bool CalledByLoop(const void* caller);

}  // namespace afterleak::loops::internal
