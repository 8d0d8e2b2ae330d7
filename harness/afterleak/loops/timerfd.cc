// Timers that are file descriptors (timerfd_create(2)). A timer has a number here, which all of its
// descriptors lead to.
//
// Nobody is told that one has fired: a program may read it with any call, or never. So the kernel
// is asked: before a timer is set again or closed, and before counters are read. One that expired
// is not live, whether it was read or not. The ticks of a periodic one are not counted.
//
// Not seen: descriptors from 65,536 on, copies made with fcntl or sent to another process, and what
// is closed by close_range, until the kernel is asked.
//
// Where no timer is concerned, close and dup cost one load more, and are safe in signal handlers
// and in a child of fork as they were. timerfd_settime records a call stack, which is not.
#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"
#include "afterleak/loops/virtual_behind.h"

extern "C" {
[[gnu::weak]] int __interceptor_close(int);           // NOLINT
[[gnu::weak]] int __interceptor_dup(int);             // NOLINT
[[gnu::weak]] int __interceptor_dup2(int, int);       // NOLINT
[[gnu::weak]] int __interceptor_dup3(int, int, int);  // NOLINT
}

namespace afterleak::loops::internal {
namespace {

constexpr std::string_view kCure = "disarm or close it when its work is over";
constexpr std::string_view kCureOfIdle = "close it";
constexpr LoopTimer kOnce = MakeLoopTimer(Library::kTimerfd, "timerfd_settime", false, kCure,
                                          "timerfd_create", kCureOfIdle);
constexpr LoopTimer kPeriodic = MakeLoopTimer(Library::kTimerfd, "timerfd_settime (interval)", true,
                                              kCure, "timerfd_create", kCureOfIdle);

using Number = std::uint32_t;                                   // 0: no timer
constinit std::array<std::atomic<Number>, 1 << 16> timer_of{};  // by descriptor
constinit std::atomic<Number> last_number = 0;
constinit std::atomic<bool> copied = false;  // any timer has more than one descriptor

constinit LibcFunction<int(int, int)> create("timerfd_create");
constinit LibcFunction<int(int, int, const itimerspec*, itimerspec*)> set_time("timerfd_settime");
constinit LibcFunction<int(int)> close_any("close");
constinit LibcFunction<int(int)> dup_any("dup");
constinit LibcFunction<int(int, int)> dup2_any("dup2");
constinit LibcFunction<int(int, int, int)> dup3_any("dup3");

int (*CloseBehind())(int) {
  return &afterleak_virtual_close != nullptr ? &afterleak_virtual_close : &__interceptor_close;
}

void LookUp() {
  create.LookUp(&afterleak_virtual_timerfd_create);
  set_time.LookUp(&afterleak_virtual_timerfd_settime);
  close_any.LookUp(CloseBehind());
  dup_any.LookUp(&__interceptor_dup);
  dup2_any.LookUp(&__interceptor_dup2);
  dup3_any.LookUp(&__interceptor_dup3);
}

bool IsFollowed(int descriptor) {
  return descriptor >= 0 && static_cast<std::size_t>(descriptor) < timer_of.size();
}

// 0 if the descriptor is no timer, and in a signal handler that came while we were at work.
Number TimerOf(int descriptor) {
  if (!IsFollowed(descriptor)) return 0;
  const Number number =
      timer_of[static_cast<std::size_t>(descriptor)].load(std::memory_order_relaxed);
  return number == 0 || OwnCall::InHand() ? 0 : number;
}

void SetTimerOf(int descriptor, Number number) {
  timer_of[static_cast<std::size_t>(descriptor)].store(number, std::memory_order_relaxed);
}

void* AsData(int descriptor) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(descriptor));
}

State StateOf(Key, const void* data) {
  itimerspec left;
  if (timerfd_gettime(static_cast<int>(reinterpret_cast<std::uintptr_t>(data)), &left) != 0)
    return State::kGone;
  return left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0 ? State::kFired : State::kPending;
}

void SeeIfFired(Number timer, int descriptor) {
  if (IsLive(Library::kTimerfd, timer) && StateOf(timer, AsData(descriptor)) == State::kFired)
    Fired(Library::kTimerfd, timer);
}

void Closes(Number timer, int descriptor) {
  const KeepErrno keep;
  SeeIfFired(timer, descriptor);
  SetTimerOf(descriptor, 0);
  if (copied.load(std::memory_order_relaxed)) {
    for (std::size_t other = 0; other < timer_of.size(); ++other) {
      if (timer_of[other].load(std::memory_order_relaxed) != timer) continue;
      SetData(Library::kTimerfd, timer, AsData(static_cast<int>(other)));
      return;
    }
  }
  Freed(Library::kTimerfd, timer);
}

void Copied(Number timer, int copy) {
  if (timer == 0 || !IsFollowed(copy)) return;
  copied.store(true, std::memory_order_relaxed);
  SetTimerOf(copy, timer);
}

extern "C" {

int afterleak_timerfd_create(int clock, int flags) {
  const int descriptor = create.LookUp(&afterleak_virtual_timerfd_create)(clock, flags);
  const KeepErrno keep;
  if (!IsFollowed(descriptor) || OwnCall::InHand() || CalledByLoop(AFTERLEAK_CALLER))
    return descriptor;
  // One that was closed unseen had this descriptor.
  if (const Number old = TimerOf(descriptor)) Freed(Library::kTimerfd, old);
  const Number timer = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
  Made(kOnce, timer, AFTERLEAK_CALLER, AsData(descriptor));
  SetTimerOf(descriptor, timer);
  return descriptor;
}

int afterleak_timerfd_settime(int descriptor, int flags, const itimerspec* value,
                              itimerspec* old_value) {
  const Number timer = TimerOf(descriptor);
  if (timer == 0)
    return set_time.LookUp(&afterleak_virtual_timerfd_settime)(descriptor, flags, value, old_value);
  SeeIfFired(timer, descriptor);
  const int error =
      set_time.LookUp(&afterleak_virtual_timerfd_settime)(descriptor, flags, value, old_value);
  if (error != 0) return error;
  const KeepErrno keep;
  if (value->it_value.tv_sec == 0 && value->it_value.tv_nsec == 0) {
    Stopped(Library::kTimerfd, timer);
    return error;
  }
  itimerspec left = *value;
  if ((flags & TFD_TIMER_ABSTIME) != 0) timerfd_gettime(descriptor, &left);
  const bool periodic = value->it_interval.tv_sec != 0 || value->it_interval.tv_nsec != 0;
  Armed(periodic ? kPeriodic : kOnce, timer,
        ToDuration(left.it_value.tv_sec, left.it_value.tv_nsec), AFTERLEAK_CALLER,
        AsData(descriptor));
  return error;
}

int afterleak_close(int descriptor) {
  if (const Number timer = TimerOf(descriptor)) Closes(timer, descriptor);
  return close_any.LookUp(CloseBehind())(descriptor);
}

int afterleak_dup(int descriptor) {
  const int copy = dup_any.LookUp(&__interceptor_dup)(descriptor);
  Copied(TimerOf(descriptor), copy);
  return copy;
}

int afterleak_dup2(int descriptor, int copy) {
  const Number timer = TimerOf(descriptor);
  const Number closed = descriptor == copy ? 0 : TimerOf(copy);
  if (closed != 0 && fcntl(descriptor, F_GETFD) >= 0) Closes(closed, copy);
  const int result = dup2_any.LookUp(&__interceptor_dup2)(descriptor, copy);
  if (descriptor != copy) Copied(timer, result);
  return result;
}

int afterleak_dup3(int descriptor, int copy, int flags) {
  const Number timer = TimerOf(descriptor);
  const Number closed = descriptor == copy ? 0 : TimerOf(copy);
  if (closed != 0 && fcntl(descriptor, F_GETFD) >= 0) Closes(closed, copy);
  const int result = dup3_any.LookUp(&__interceptor_dup3)(descriptor, copy, flags);
  Copied(timer, result);
  return result;
}

}  // extern "C"

AFTERLEAK_IN_FRONT(int, timerfd_create, afterleak_timerfd_create, (int, int)) noexcept;
AFTERLEAK_IN_FRONT(int, timerfd_settime, afterleak_timerfd_settime,
                   (int, int, const itimerspec*, itimerspec*)) noexcept;
AFTERLEAK_IN_FRONT(int, close, afterleak_close, (int));
AFTERLEAK_IN_FRONT(int, dup, afterleak_dup, (int)) noexcept;
AFTERLEAK_IN_FRONT(int, dup2, afterleak_dup2, (int, int)) noexcept;
AFTERLEAK_IN_FRONT(int, dup3, afterleak_dup3, (int, int, int)) noexcept;

}  // namespace

extern const Source kTimerfd;
const Source kTimerfd = {.library = Library::kTimerfd,
                         .function = "timerfd_settime",
                         .ours = reinterpret_cast<const void*>(&afterleak_timerfd_settime),
                         .linked = reinterpret_cast<const void*>(&::timerfd_settime),
                         .attach = &LookUp,
                         .update = [] { Ask(Library::kTimerfd, &StateOf); }};

}  // namespace afterleak::loops::internal
