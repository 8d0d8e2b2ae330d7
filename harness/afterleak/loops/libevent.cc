// libevent's timers (https://libevent.org/doc/event_8h.html), known by the address of their event;
// those of event_base_once by a box that is put in place of the callback's argument.
//
// A firing is seen in event_active_nolock_, which libevent calls through the PLT for each event
// that becomes active, with what made it active: an event that waits for a descriptor with a
// time-out is over when the descriptor is ready first.
//
// libevent's own timers (bufferevents, evhttp, evdns) are told by their callback, and by their
// return address: that alone says too little, since a callback of the program that ends with a call
// may jump to it, which leaves a return address in libevent. Its calls of event_del are not told:
// event_free and event_base_free stop what the program has armed.
//
// An event of another thread's loop may fire while event_add has not yet returned. So it is
// recorded before it is armed, and what libevent then refuses is armed and stopped.
#include <sys/time.h>

#include <cstdint>
#include <new>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

// Opaque: the header of the libevent in use is not needed.
struct event;
struct event_base;
using Events = short;  // NOLINT(google-runtime-int): libevent's
using event_callback_fn = void (*)(int, Events, void*);

constexpr Events kTimeout = 0x01;  // EV_TIMEOUT
constexpr Events kSignal = 0x08;   // EV_SIGNAL
constexpr Events kPersist = 0x10;  // EV_PERSIST

constexpr std::string_view kCure = "stop it with event_del when its work is over";
constexpr std::string_view kCureOfIdle = "free it with event_free when nobody adds it again";
constexpr LoopTimer kEvent =
    MakeLoopTimer(Library::kLibevent, "event_add", false, kCure, "event_new", kCureOfIdle);
constexpr LoopTimer kPersistent = MakeLoopTimer(Library::kLibevent, "event_add (EV_PERSIST)", true,
                                                kCure, "event_new", kCureOfIdle);
// Events in the program's own memory, and those that wait for more than time: no free is missing.
constexpr LoopTimer kUnowned = MakeUnownedTimer(Library::kLibevent, "event_add", false, kCure);
constexpr LoopTimer kUnownedPersistent =
    MakeUnownedTimer(Library::kLibevent, "event_add (EV_PERSIST)", true, kCure);
constexpr LoopTimer kBaseOnce =
    MakeUnownedTimer(Library::kLibevent, "event_base_once", false,
                     "use event_new, which can be stopped, where its work can be over earlier");

// What is kept for an event, in the place of a pointer.
struct Data {
  bool owned = false;  // event_new made it
  bool persistent = false;
  Duration interval{};

  void* Packed() const {
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(interval).count();
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(microseconds) << 3 |
                                   (persistent ? 4u : 0u) | (owned ? 2u : 0u) | 1u);
  }
  static Data Unpacked(const void* packed) {
    const auto bits = reinterpret_cast<std::uintptr_t>(packed);
    return {.owned = (bits & 2u) != 0,
            .persistent = (bits & 4u) != 0,
            .interval = std::chrono::microseconds(bits >> 3)};
  }
};

Duration ToDuration(const timeval& time) {
  // A common timeout has its number above the microseconds.
  return internal::ToDuration(time.tv_sec, std::int64_t{time.tv_usec & 0xFFFFF} * 1000);
}

// libev has functions of some of these names, too. Only libevent has the one that tells of firings.
bool IsLibevent() {
  static const bool is =
      Module(FindNext("event_add", nullptr)).Contains(FindNext("event_active_nolock_", nullptr));
  return is;
}

bool IsInLibevent(const void* code) {
  static const Module core(FindNext("event_add", nullptr));
  static const Module extra(FindNext("evhttp_new", nullptr));
  return core.Contains(code) || extra.Contains(code);
}

bool IsLibevents(const void* caller, event_callback_fn callback) {
  return IsInLibevent(caller) && IsInLibevent(reinterpret_cast<const void*>(callback));
}

event_callback_fn CallbackOf(const event* event) {
  static const auto get = Next<event_callback_fn(const struct event*)>("event_get_callback");
  return get(event);
}

Events EventsOf(const event* event) {
  static const auto get = Next<Events(const struct event*)>("event_get_events");
  return get(event);
}

// What a loop calls back now, on this thread.
Caller CallerAt(const void* address, const event_base* base) {
  static const auto running_of =
      Next<const struct event*(const event_base*)>("event_base_get_running_event");
  if (!IsInLibevent(address)) return address;
  const struct event* const running =
      running_of != nullptr && base != nullptr ? running_of(base) : nullptr;
  const auto* const callback =
      running != nullptr ? reinterpret_cast<const void*>(CallbackOf(running)) : nullptr;
  return Caller::Jumped(address, IsInLibevent(callback) ? nullptr : callback);
}

const event_base* BaseOf(const event* event) {
  static const auto get = Next<const event_base*(const struct event*)>("event_get_base");
  return get(event);
}

struct Once {
  event_callback_fn callback;
  void* argument;
};

void Delete(Once* once) {
  const heap::Scope::Suspend suspend;
  delete once;
}

void CallOnce(int descriptor, Events what, void* argument) {
  auto* const once = static_cast<Once*>(argument);
  const auto [callback, users] = *once;
  if ((what & kTimeout) != 0)
    Fired(Library::kLibevent, KeyOf(once));
  else
    Stopped(Library::kLibevent, KeyOf(once));
  Delete(once);
  callback(descriptor, what, users);
}

extern "C" {

event* afterleak_event_new(event_base* base, int descriptor, Events events,
                           event_callback_fn callback, void* argument) {
  static const auto next = Next<event*(event_base*, int, Events, event_callback_fn, void*)>(
      "event_new", AFTERLEAK_CALLER);
  event* const made = next(base, descriptor, events, callback, argument);
  if (made == nullptr || descriptor >= 0 || (events & kSignal) != 0 || !IsLibevent() ||
      IsLibevents(AFTERLEAK_CALLER, callback))
    return made;
  Made(kEvent, KeyOf(made), CallerAt(AFTERLEAK_CALLER, base), Data{.owned = true}.Packed());
  return made;
}

int afterleak_event_assign(event* event, event_base* base, int descriptor, Events events,
                           event_callback_fn callback, void* argument) {
  static const auto next =
      Next<int(struct event*, event_base*, int, Events, event_callback_fn, void*)>(
          "event_assign", AFTERLEAK_CALLER);
  Freed(Library::kLibevent, KeyOf(event));  // its memory is used for another
  return next(event, base, descriptor, events, callback, argument);
}

int afterleak_event_add(event* event, const timeval* timeout) {
  static const auto next = Next<int(struct event*, const timeval*)>("event_add", AFTERLEAK_CALLER);
  if (timeout == nullptr || !IsLibevent() || IsLibevents(AFTERLEAK_CALLER, CallbackOf(event)))
    return next(event, timeout);
  Data data = Data::Unpacked(DataOf(Library::kLibevent, KeyOf(event)));
  data.persistent = (EventsOf(event) & kPersist) != 0;
  data.interval = ToDuration(*timeout);
  const LoopTimer& timer = data.owned        ? data.persistent ? kPersistent : kEvent
                           : data.persistent ? kUnownedPersistent
                                             : kUnowned;
  Armed(timer, KeyOf(event), data.interval, CallerAt(AFTERLEAK_CALLER, BaseOf(event)),
        data.Packed());
  const int error = next(event, timeout);
  if (error != 0) Stopped(Library::kLibevent, KeyOf(event));
  return error;
}

int afterleak_event_base_once(event_base* base, int descriptor, Events events,
                              event_callback_fn callback, void* argument, const timeval* timeout) {
  static const auto next =
      Next<int(event_base*, int, Events, event_callback_fn, void*, const timeval*)>(
          "event_base_once", AFTERLEAK_CALLER);
  Once* once = nullptr;
  if (timeout != nullptr && callback != nullptr && IsLibevent() &&
      !IsLibevents(AFTERLEAK_CALLER, callback)) {
    const heap::Scope::Suspend suspend;
    once = new (std::nothrow) Once{callback, argument};
  }
  if (once == nullptr) return next(base, descriptor, events, callback, argument, timeout);
  Armed(kBaseOnce, KeyOf(once), ToDuration(*timeout), CallerAt(AFTERLEAK_CALLER, base), base);
  const int error = next(base, descriptor, events, &CallOnce, once, timeout);
  if (error != 0) {
    Stopped(Library::kLibevent, KeyOf(once));
    Delete(once);
  }
  return error;
}

void afterleak_event_active_nolock(event* event, int what, Events calls) {
  static const auto next =
      Next<void(struct event*, int, Events)>("event_active_nolock_", AFTERLEAK_CALLER);
  if (const void* const packed = DataOf(Library::kLibevent, KeyOf(event))) {
    const Data data = Data::Unpacked(packed);
    if ((what & kTimeout) == 0) {
      if (!data.persistent) Stopped(Library::kLibevent, KeyOf(event));
    } else if (data.persistent) {
      Ticked(Library::kLibevent, KeyOf(event), data.interval);
    } else {
      Fired(Library::kLibevent, KeyOf(event));
    }
  }
  next(event, what, calls);
}

int afterleak_event_del(event* event) {
  static const auto next = Next<int(struct event*)>("event_del", AFTERLEAK_CALLER);
  Stopped(Library::kLibevent, KeyOf(event));
  return next(event);
}

int afterleak_event_del_block(event* event) {
  static const auto next = Next<int(struct event*)>("event_del_block", AFTERLEAK_CALLER);
  Stopped(Library::kLibevent, KeyOf(event));
  return next(event);
}

int afterleak_event_del_noblock(event* event) {
  static const auto next = Next<int(struct event*)>("event_del_noblock", AFTERLEAK_CALLER);
  Stopped(Library::kLibevent, KeyOf(event));
  return next(event);
}

int afterleak_event_remove_timer(event* event) {
  static const auto next = Next<int(struct event*)>("event_remove_timer", AFTERLEAK_CALLER);
  Stopped(Library::kLibevent, KeyOf(event));
  return next(event);
}

void afterleak_event_free(event* event) {
  static const auto next = Next<void(struct event*)>("event_free", AFTERLEAK_CALLER);
  Freed(Library::kLibevent, KeyOf(event));
  next(event);
}

void afterleak_event_base_free(event_base* base) {
  static const auto next = Next<void(event_base*)>("event_base_free", AFTERLEAK_CALLER);
  next(base);
  FreedAll(kBaseOnce, base, [](Key once) { Delete(reinterpret_cast<Once*>(once)); });
}

}  // extern "C"

AFTERLEAK_IN_FRONT(event*, event_new, afterleak_event_new,
                   (event_base*, int, Events, event_callback_fn, void*));
AFTERLEAK_IN_FRONT(int, event_assign, afterleak_event_assign,
                   (event*, event_base*, int, Events, event_callback_fn, void*));
AFTERLEAK_IN_FRONT(int, event_add, afterleak_event_add, (event*, const timeval*));
AFTERLEAK_IN_FRONT(int, event_base_once, afterleak_event_base_once,
                   (event_base*, int, Events, event_callback_fn, void*, const timeval*));
AFTERLEAK_IN_FRONT(void, event_active_nolock_, afterleak_event_active_nolock,
                   (event*, int, Events));
AFTERLEAK_IN_FRONT(int, event_del, afterleak_event_del, (event*));
AFTERLEAK_IN_FRONT(int, event_del_block, afterleak_event_del_block, (event*));
AFTERLEAK_IN_FRONT(int, event_del_noblock, afterleak_event_del_noblock, (event*));
AFTERLEAK_IN_FRONT(int, event_remove_timer, afterleak_event_remove_timer, (event*));
AFTERLEAK_IN_FRONT(void, event_free, afterleak_event_free, (event*));
AFTERLEAK_IN_FRONT(void, event_base_free, afterleak_event_base_free, (event_base*));

}  // namespace

extern const Source kLibevent;
const Source kLibevent = {.library = Library::kLibevent,
                          .function = "event_active_nolock_",
                          .ours = reinterpret_cast<const void*>(&afterleak_event_active_nolock),
                          .linked = reinterpret_cast<const void*>(&event_active_nolock_)};

}  // namespace afterleak::loops::internal
