// libev's timers (ev_timer in http://pod.tst.eu/http://cvs.schmorp.de/libev/ev.pod), known by the
// address of their watcher; those of ev_once by a box that is put in place of its argument.
//
// A firing is seen in ev_feed_event, which libev calls through the PLT for each timer that is due:
// before that it has stopped one that does not repeat, through the PLT as well. Watchers are in the
// program's memory, so none is idle.
//
// ev_periodic is not a timer here.
#include <cstdint>
#include <new>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

// As in ev.h since 4.0, for a libev that was built as distributions build it.
struct ev_loop;
struct ev_timer {
  int active;
  int pending;
  int priority;
  void* data;
  void (*callback)(ev_loop*, ev_timer*, int);
  double at;  // seconds from now, until it is started
  double repeat;
};
using OnceCallback = void (*)(int, void*);

constexpr int kTimer = 0x100;  // EV_TIMER

constexpr std::string_view kCure = "stop it with ev_timer_stop when its work is over";
constexpr LoopTimer kOnce = MakeUnownedTimer(Library::kLibev, "ev_timer_start", false, kCure);
constexpr LoopTimer kRepeating =
    MakeUnownedTimer(Library::kLibev, "ev_timer_start (repeat)", true, kCure);
constexpr LoopTimer kAgain = MakeUnownedTimer(Library::kLibev, "ev_timer_again", true, kCure);
constexpr LoopTimer kEvOnce =
    MakeUnownedTimer(Library::kLibev, "ev_once", false,
                     "use ev_timer, which can be stopped, where its work can be over earlier");

Duration Seconds(double seconds) {
  if (!(seconds > 0)) return {};
  const std::chrono::duration<double, Duration::period> exact(
      std::chrono::duration<double>{seconds});
  return exact.count() < static_cast<double>(kNever.count())
             ? std::chrono::duration_cast<Duration>(exact)
             : kNever;
}

const Module& Libev(const void* caller) {
  static const Module libev(FindNext("ev_timer_start", caller));
  return libev;
}

// It is not known which callback ended with a call.
Caller CallerAt(const void* address) {
  return Libev(address).Contains(address) ? Caller::Jumped(address, nullptr) : Caller(address);
}

// libev's own timers, such as that of ev_stat, call libev back.
bool IsLibevs(const void* caller, const ev_timer* timer) {
  const Module& libev = Libev(caller);
  return libev.CallsByName(caller) ||
         libev.Contains(reinterpret_cast<const void*>(timer->callback));
}

struct Once {
  OnceCallback callback;
  void* argument;
};

void Delete(Once* once) {
  const heap::Scope::Suspend suspend;
  delete once;
}

void CallOnce(int events, void* argument) {
  auto* const once = static_cast<Once*>(argument);
  const auto [callback, users] = *once;
  if ((events & kTimer) != 0)
    Fired(Library::kLibev, KeyOf(once));
  else
    Stopped(Library::kLibev, KeyOf(once));
  Delete(once);
  callback(events, users);
}

extern "C" {

void afterleak_ev_timer_start(ev_loop* loop, ev_timer* timer) {
  static const auto next = Next<void(ev_loop*, ev_timer*)>("ev_timer_start", AFTERLEAK_CALLER);
  const OwnCall call;
  // ev_timer_again jumps to it, so that its caller is the program.
  if (call.IsOutermost() && timer->active == 0 && !IsLibevs(AFTERLEAK_CALLER, timer)) {
    Armed(timer->repeat > 0 ? kRepeating : kOnce, KeyOf(timer), Seconds(timer->at),
          CallerAt(AFTERLEAK_CALLER), loop);
  }
  next(loop, timer);
}

void afterleak_ev_timer_again(ev_loop* loop, ev_timer* timer) {
  static const auto next = Next<void(ev_loop*, ev_timer*)>("ev_timer_again", AFTERLEAK_CALLER);
  const OwnCall call;
  if (call.IsOutermost() && !IsLibevs(AFTERLEAK_CALLER, timer)) {
    const Duration timeout = Seconds(timer->repeat);
    if (!(timer->repeat > 0))
      Stopped(Library::kLibev, KeyOf(timer));
    else if (timer->active == 0 || !PutOff(kAgain, KeyOf(timer), timeout, loop))
      Armed(kAgain, KeyOf(timer), timeout, CallerAt(AFTERLEAK_CALLER), loop);
  }
  next(loop, timer);
}

void afterleak_ev_timer_stop(ev_loop* loop, ev_timer* timer) {
  static const auto next = Next<void(ev_loop*, ev_timer*)>("ev_timer_stop", AFTERLEAK_CALLER);
  // A server stops each of its timers, to be sure; most are not active.
  if (timer->active == 0) return next(loop, timer);
  const OwnCall call;
  if (call.IsOutermost() && !IsLibevs(AFTERLEAK_CALLER, timer))
    Stopped(Library::kLibev, KeyOf(timer));
  next(loop, timer);
}

void afterleak_ev_feed_event(ev_loop* loop, ev_timer* watcher, int events) {
  static const auto next = Next<void(ev_loop*, ev_timer*, int)>("ev_feed_event", AFTERLEAK_CALLER);
  if ((events & kTimer) != 0 && Libev(AFTERLEAK_CALLER).CallsByName(AFTERLEAK_CALLER)) {
    if (watcher->repeat > 0)
      Ticked(Library::kLibev, KeyOf(watcher), Seconds(watcher->repeat));
    else
      Fired(Library::kLibev, KeyOf(watcher));
  }
  next(loop, watcher, events);
}

void afterleak_ev_once(ev_loop* loop, int descriptor, int events, double timeout,
                       OnceCallback callback, void* argument) {
  static const auto next =
      Next<void(ev_loop*, int, int, double, OnceCallback, void*)>("ev_once", AFTERLEAK_CALLER);
  Once* once = nullptr;
  if (timeout >= 0) {
    const heap::Scope::Suspend suspend;
    once = new (std::nothrow) Once{callback, argument};
  }
  if (once == nullptr) return next(loop, descriptor, events, timeout, callback, argument);
  Armed(kEvOnce, KeyOf(once), Seconds(timeout), CallerAt(AFTERLEAK_CALLER), loop);
  const OwnCall call;  // it jumps to ev_timer_start
  next(loop, descriptor, events, timeout, &CallOnce, once);
}

void afterleak_ev_loop_destroy(ev_loop* loop) {
  static const auto next = Next<void(ev_loop*)>("ev_loop_destroy", AFTERLEAK_CALLER);
  next(loop);
  for (const LoopTimer* const timer : {&kOnce, &kRepeating, &kAgain}) FreedAll(*timer, loop);
  FreedAll(kEvOnce, loop, [](Key once) { Delete(reinterpret_cast<Once*>(once)); });
}

}  // extern "C"

AFTERLEAK_IN_FRONT(void, ev_timer_start, afterleak_ev_timer_start, (ev_loop*, ev_timer*));
AFTERLEAK_IN_FRONT(void, ev_timer_again, afterleak_ev_timer_again, (ev_loop*, ev_timer*));
AFTERLEAK_IN_FRONT(void, ev_timer_stop, afterleak_ev_timer_stop, (ev_loop*, ev_timer*));
AFTERLEAK_IN_FRONT(void, ev_feed_event, afterleak_ev_feed_event, (ev_loop*, ev_timer*, int));
AFTERLEAK_IN_FRONT(void, ev_once, afterleak_ev_once,
                   (ev_loop*, int, int, double, OnceCallback, void*));
AFTERLEAK_IN_FRONT(void, ev_loop_destroy, afterleak_ev_loop_destroy, (ev_loop*));

}  // namespace

extern const Source kLibev;
const Source kLibev = {.library = Library::kLibev,
                       .function = "ev_timer_start",
                       .ours = reinterpret_cast<const void*>(&afterleak_ev_timer_start),
                       .linked = reinterpret_cast<const void*>(&ev_timer_start)};

}  // namespace afterleak::loops::internal
