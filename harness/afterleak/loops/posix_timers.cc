// POSIX timers (timer_create(2)), known by their timer_t.
//
// As with timerfd, nobody is told of a firing: a signal may be blocked or fetched, and a notified
// thread begins at any time. So the kernel is asked: before a timer is set again or deleted, and
// before counters are read. A periodic one does not end, and its ticks are not counted.
//
// timer_settime in a signal handler records nothing where the handler interrupts this code. Where
// it interrupts malloc, the first timer of the process may lock up: to look at its call stack, a
// library is loaded.
//
// A child of fork has none of its parent's timers: they are gone when the kernel is asked.
#include <csignal>
#include <ctime>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"
#include "afterleak/loops/virtual_behind.h"

namespace afterleak::loops::internal {
namespace {

constexpr std::string_view kCure = "disarm or delete it when its work is over";
constexpr std::string_view kCureOfIdle = "delete it with timer_delete";
constexpr LoopTimer kOnce = MakeLoopTimer(Library::kPosixTimers, "timer_settime", false, kCure,
                                          "timer_create", kCureOfIdle);
constexpr LoopTimer kPeriodic = MakeLoopTimer(Library::kPosixTimers, "timer_settime (interval)",
                                              true, kCure, "timer_create", kCureOfIdle);

constinit LibcFunction<int(clockid_t, sigevent*, timer_t*)> create("timer_create");
constinit LibcFunction<int(timer_t, int, const itimerspec*, itimerspec*)> set_time("timer_settime");
constinit LibcFunction<int(timer_t)> delete_timer("timer_delete");

void LookUp() {
  create.LookUp();
  set_time.LookUp(&afterleak_virtual_timer_settime);
  delete_timer.LookUp();
}

Key KeyOfTimer(timer_t timer) { return KeyOf(timer) + 1; }  // the first is 0
timer_t TimerOf(Key key) { return reinterpret_cast<timer_t>(key - 1); }

State StateOf(Key key, const void*) {
  itimerspec left;
  if (timer_gettime(TimerOf(key), &left) != 0) return State::kGone;
  return left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0 ? State::kFired : State::kPending;
}

void SeeIfFired(timer_t timer) {
  const KeepErrno keep;
  const Key key = KeyOfTimer(timer);
  if (IsLive(Library::kPosixTimers, key) && StateOf(key, nullptr) == State::kFired)
    Fired(Library::kPosixTimers, key);
}

extern "C" {

int afterleak_timer_create(clockid_t clock, sigevent* event, timer_t* timer) {
  const int error = create.LookUp()(clock, event, timer);
  if (error != 0 || OwnCall::InHand()) return error;
  const KeepErrno keep;
  Freed(Library::kPosixTimers, KeyOfTimer(*timer));  // the parent's, in a child of fork
  Made(kOnce, KeyOfTimer(*timer), AFTERLEAK_CALLER);
  return error;
}

int afterleak_timer_settime(timer_t timer, int flags, const itimerspec* value,
                            itimerspec* old_value) {
  // In a signal handler that came while we were at work, nothing can be recorded.
  if (OwnCall::InHand())
    return set_time.LookUp(&afterleak_virtual_timer_settime)(timer, flags, value, old_value);
  SeeIfFired(timer);
  const int error =
      set_time.LookUp(&afterleak_virtual_timer_settime)(timer, flags, value, old_value);
  if (error != 0) return error;
  const KeepErrno keep;
  const Key key = KeyOfTimer(timer);
  if (value->it_value.tv_sec == 0 && value->it_value.tv_nsec == 0) {
    Stopped(Library::kPosixTimers, key);
    return error;
  }
  itimerspec left = *value;
  if ((flags & TIMER_ABSTIME) != 0) timer_gettime(timer, &left);
  const bool periodic = value->it_interval.tv_sec != 0 || value->it_interval.tv_nsec != 0;
  Armed(periodic ? kPeriodic : kOnce, key, ToDuration(left.it_value.tv_sec, left.it_value.tv_nsec),
        AFTERLEAK_CALLER);
  return error;
}

int afterleak_timer_delete(timer_t timer) {
  if (!OwnCall::InHand() && IsKnown(Library::kPosixTimers, KeyOfTimer(timer))) {
    SeeIfFired(timer);
    const KeepErrno keep;
    Freed(Library::kPosixTimers, KeyOfTimer(timer));
  }
  return delete_timer.LookUp()(timer);
}

}  // extern "C"

AFTERLEAK_IN_FRONT(int, timer_create, afterleak_timer_create,
                   (clockid_t, sigevent*, timer_t*)) noexcept;
AFTERLEAK_IN_FRONT(int, timer_settime, afterleak_timer_settime,
                   (timer_t, int, const itimerspec*, itimerspec*)) noexcept;
AFTERLEAK_IN_FRONT(int, timer_delete, afterleak_timer_delete, (timer_t)) noexcept;

}  // namespace

extern const Source kPosixTimers;
const Source kPosixTimers = {.library = Library::kPosixTimers,
                             .function = "timer_settime",
                             .ours = reinterpret_cast<const void*>(&afterleak_timer_settime),
                             .linked = reinterpret_cast<const void*>(&::timer_settime),
                             .attach = &LookUp,
                             .update = [] { Ask(Library::kPosixTimers, &StateOf); }};

}  // namespace afterleak::loops::internal
