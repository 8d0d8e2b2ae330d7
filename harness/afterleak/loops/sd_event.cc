// sd-event's time sources (sd_event_add_time(3)), known by their address.
//
// A firing is seen by the callback, and a free by the destroy callback (systemd 239 and later).
// Both get a box in the place of the program's userdata, so the functions that read and change the
// userdata are stood in front of as well. A floating source belongs to its loop: once it has fired
// it is idle until the loop is freed.
//
// The library calls its own functions, some through the PLT, some by jumping to them.
#include <cstdint>
#include <ctime>
#include <new>
#include <utility>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

// Opaque: the header of the systemd in use is not needed.
struct sd_event;
struct sd_event_source;
using TimeHandler = int (*)(sd_event_source*, std::uint64_t, void*);
using Destroy = void (*)(void*);

constexpr int kOff = 0;  // SD_EVENT_OFF

constexpr std::string_view kCure =
    "turn it off with sd_event_source_set_enabled, or give it back, when its work is over";
constexpr std::string_view kCureOfIdle = "give it back with sd_event_source_unref";
constexpr LoopTimer kAdd = MakeLoopTimer(Library::kSdEvent, "sd_event_add_time", false, kCure,
                                         "sd_event_source", kCureOfIdle);
constexpr LoopTimer kAddRelative = MakeLoopTimer(Library::kSdEvent, "sd_event_add_time_relative",
                                                 false, kCure, "sd_event_source", kCureOfIdle);
constexpr LoopTimer kSetTime = MakeLoopTimer(Library::kSdEvent, "sd_event_source_set_time", false,
                                             kCure, "sd_event_source", kCureOfIdle);
constexpr LoopTimer kSetTimeRelative =
    MakeLoopTimer(Library::kSdEvent, "sd_event_source_set_time_relative", false, kCure,
                  "sd_event_source", kCureOfIdle);
constexpr LoopTimer kSetEnabled = MakeLoopTimer(Library::kSdEvent, "sd_event_source_set_enabled",
                                                false, kCure, "sd_event_source", kCureOfIdle);

struct Box {
  sd_event_source* source;
  clockid_t clock;
  TimeHandler callback;
  Destroy destroy;
  void* userdata;
};

Box* BoxOf(sd_event_source* source) {
  return static_cast<Box*>(DataOf(Library::kSdEvent, KeyOf(source)));
}

void Delete(Box* box) {
  const heap::Scope::Suspend suspend;
  delete box;
}

const Module& Libsystemd() {
  static const Module libsystemd(FindNext("sd_event_new", nullptr));
  return libsystemd;
}

bool IsLibsystemds(const void* caller) { return Libsystemd().CallsByName(caller); }

// The callback of a time source that runs on this thread.
constinit thread_local TimeHandler running = nullptr;
int Call(sd_event_source* source, std::uint64_t time, void* data);

// A callback of a time source returns to ours; what is called back for something else is not known.
Caller CallerAt(const void* address) {
  constexpr std::uintptr_t kItsSize = 1024;  // at most
  const auto ours = reinterpret_cast<std::uintptr_t>(&Call);
  if (running != nullptr && reinterpret_cast<std::uintptr_t>(address) - ours < kItsSize)
    return Caller::Jumped(address, reinterpret_cast<const void*>(running));
  return Libsystemd().Contains(address) ? Caller::Jumped(address, nullptr) : Caller(address);
}

bool IsEnabled(sd_event_source* source) {
  static const auto get = Next<int(sd_event_source*, int*)>("sd_event_source_get_enabled");
  int enabled = kOff;
  get(source, &enabled);
  return enabled != kOff;
}

Duration Microseconds(std::uint64_t count) {
  constexpr std::uint64_t kMost = kNever / std::chrono::microseconds(1);
  return count > kMost ? kNever : std::chrono::microseconds(count);
}

Duration Until(clockid_t clock, std::uint64_t time) {
  timespec now;
  clock_gettime(clock, &now);
  const std::uint64_t passed = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
                               static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  return time > passed ? Microseconds(time - passed) : Duration{};
}

// In place of the program's. systemd has turned off by now what fires once.
int Call(sd_event_source* source, std::uint64_t time, void* data) {
  const Box box = *static_cast<Box*>(data);
  const bool stays = IsEnabled(source);
  if (stays)
    Ticked(Library::kSdEvent, KeyOf(source), Until(box.clock, time));
  else
    Fired(Library::kSdEvent, KeyOf(source));
  if (box.callback != nullptr) {
    const OwnCall::Callback callback;
    const TimeHandler outer = std::exchange(running, box.callback);  // one may run a loop
    const int error = box.callback(source, time, box.userdata);
    running = outer;
    if (error < 0) Stopped(Library::kSdEvent, KeyOf(source));  // it is turned off
    return error;
  }
  static const auto event_of = Next<sd_event*(sd_event_source*)>("sd_event_source_get_event");
  static const auto exit = Next<int(sd_event*, int)>("sd_event_exit");
  return exit(event_of(source), static_cast<int>(reinterpret_cast<std::intptr_t>(box.userdata)));
}

void CallDestroy(void* data) {
  auto* const box = static_cast<Box*>(data);
  const auto [source, clock, callback, destroy, userdata] = *box;
  Freed(Library::kSdEvent, KeyOf(source));
  Delete(box);
  if (destroy != nullptr) destroy(userdata);
}

// What both ways of adding do. `add` adds a source with that callback and userdata.
int Add(const LoopTimer& timer, const void* caller, clockid_t clock, Duration timeout,
        sd_event_source** result, TimeHandler callback, void* userdata, auto&& add) {
  static const auto set_destroy =
      Next<int(sd_event_source*, Destroy)>("sd_event_source_set_destroy_callback");
  static const auto set_floating = Next<int(sd_event_source*, int)>("sd_event_source_set_floating");
  static const auto unref = Next<void*(sd_event_source*)>("sd_event_source_unref");
  const OwnCall call;
  Box* box = nullptr;
  if (call.IsOutermost() && set_destroy != nullptr && !IsLibsystemds(caller) &&
      !Libsystemd().Contains(reinterpret_cast<const void*>(callback))) {
    const heap::Scope::Suspend suspend;
    box = new (std::nothrow) Box{nullptr, clock, callback, nullptr, userdata};
  }
  if (box == nullptr) return add(result, callback, userdata);
  const int error = add(&box->source, &Call, box);
  if (error < 0) {
    Delete(box);
    return error;
  }
  set_destroy(box->source, &CallDestroy);
  Armed(timer, KeyOf(box->source), timeout, CallerAt(caller), box);
  if (result != nullptr) {
    *result = box->source;
  } else {
    set_floating(box->source, 1);
    unref(box->source);
  }
  return error;
}

// The program has set its time. That arms it unless it is off.
void SetTime(const LoopTimer& timer, const void* caller, sd_event_source* source,
             const auto& timeout) {
  if (Box* const box = BoxOf(source); box != nullptr && IsEnabled(source))
    Armed(timer, KeyOf(source), timeout(*box), CallerAt(caller), box);
}

extern "C" {

int afterleak_sd_event_add_time(sd_event* event, sd_event_source** result, clockid_t clock,
                                std::uint64_t time, std::uint64_t accuracy, TimeHandler callback,
                                void* userdata) {
  static const auto next =
      Next<int(sd_event*, sd_event_source**, clockid_t, std::uint64_t, std::uint64_t, TimeHandler,
               void*)>("sd_event_add_time", AFTERLEAK_CALLER);
  return Add(kAdd, AFTERLEAK_CALLER, clock, Until(clock, time), result, callback, userdata,
             [&](sd_event_source** source, TimeHandler handler, void* data) {
               return next(event, source, clock, time, accuracy, handler, data);
             });
}

int afterleak_sd_event_add_time_relative(sd_event* event, sd_event_source** result, clockid_t clock,
                                         std::uint64_t time, std::uint64_t accuracy,
                                         TimeHandler callback, void* userdata) {
  static const auto next =
      Next<int(sd_event*, sd_event_source**, clockid_t, std::uint64_t, std::uint64_t, TimeHandler,
               void*)>("sd_event_add_time_relative", AFTERLEAK_CALLER);
  return Add(kAddRelative, AFTERLEAK_CALLER, clock, Microseconds(time), result, callback, userdata,
             [&](sd_event_source** source, TimeHandler handler, void* data) {
               return next(event, source, clock, time, accuracy, handler, data);
             });
}

int afterleak_sd_event_source_set_time(sd_event_source* source, std::uint64_t time) {
  static const auto next =
      Next<int(sd_event_source*, std::uint64_t)>("sd_event_source_set_time", AFTERLEAK_CALLER);
  const OwnCall call;
  const int error = next(source, time);
  if (error >= 0 && call.IsOutermost() && !IsLibsystemds(AFTERLEAK_CALLER))
    SetTime(kSetTime, AFTERLEAK_CALLER, source,
            [&](const Box& box) { return Until(box.clock, time); });
  return error;
}

int afterleak_sd_event_source_set_time_relative(sd_event_source* source, std::uint64_t time) {
  static const auto next = Next<int(sd_event_source*, std::uint64_t)>(
      "sd_event_source_set_time_relative", AFTERLEAK_CALLER);
  const OwnCall call;
  const int error = next(source, time);
  if (error >= 0 && call.IsOutermost() && !IsLibsystemds(AFTERLEAK_CALLER))
    SetTime(kSetTimeRelative, AFTERLEAK_CALLER, source,
            [&](const Box&) { return Microseconds(time); });
  return error;
}

int afterleak_sd_event_source_set_enabled(sd_event_source* source, int enabled) {
  static const auto next =
      Next<int(sd_event_source*, int)>("sd_event_source_set_enabled", AFTERLEAK_CALLER);
  static const auto get_time =
      Next<int(sd_event_source*, std::uint64_t*)>("sd_event_source_get_time");
  const OwnCall call;
  Box* const box = source != nullptr && call.IsOutermost() && !IsLibsystemds(AFTERLEAK_CALLER)
                       ? BoxOf(source)
                       : nullptr;
  const bool was_enabled = box != nullptr && IsEnabled(source);
  const int error = next(source, enabled);
  if (error < 0 || box == nullptr) return error;
  std::uint64_t time = 0;
  if (enabled == kOff)
    Stopped(Library::kSdEvent, KeyOf(source));
  else if (!was_enabled && get_time(source, &time) >= 0)
    Armed(kSetEnabled, KeyOf(source), Until(box->clock, time), CallerAt(AFTERLEAK_CALLER), box);
  return error;
}

void* afterleak_sd_event_source_get_userdata(sd_event_source* source) {
  static const auto next =
      Next<void*(sd_event_source*)>("sd_event_source_get_userdata", AFTERLEAK_CALLER);
  const Box* const box = BoxOf(source);
  return box == nullptr ? next(source) : box->userdata;
}

void* afterleak_sd_event_source_set_userdata(sd_event_source* source, void* userdata) {
  static const auto next =
      Next<void*(sd_event_source*, void*)>("sd_event_source_set_userdata", AFTERLEAK_CALLER);
  Box* const box = BoxOf(source);
  return box == nullptr ? next(source, userdata) : std::exchange(box->userdata, userdata);
}

int afterleak_sd_event_source_set_destroy_callback(sd_event_source* source, Destroy destroy) {
  static const auto next = Next<int(sd_event_source*, Destroy)>(
      "sd_event_source_set_destroy_callback", AFTERLEAK_CALLER);
  Box* const box = BoxOf(source);
  if (box == nullptr) return next(source, destroy);
  box->destroy = destroy;
  return 0;
}

int afterleak_sd_event_source_get_destroy_callback(sd_event_source* source, Destroy* destroy) {
  static const auto next = Next<int(sd_event_source*, Destroy*)>(
      "sd_event_source_get_destroy_callback", AFTERLEAK_CALLER);
  const Box* const box = BoxOf(source);
  if (box == nullptr) return next(source, destroy);
  if (destroy != nullptr) *destroy = box->destroy;
  return box->destroy != nullptr;
}

}  // extern "C"

AFTERLEAK_IN_FRONT(int, sd_event_add_time, afterleak_sd_event_add_time,
                   (sd_event*, sd_event_source**, clockid_t, std::uint64_t, std::uint64_t,
                    TimeHandler, void*));
AFTERLEAK_IN_FRONT(int, sd_event_add_time_relative, afterleak_sd_event_add_time_relative,
                   (sd_event*, sd_event_source**, clockid_t, std::uint64_t, std::uint64_t,
                    TimeHandler, void*));
AFTERLEAK_IN_FRONT(int, sd_event_source_set_time, afterleak_sd_event_source_set_time,
                   (sd_event_source*, std::uint64_t));
AFTERLEAK_IN_FRONT(int, sd_event_source_set_time_relative,
                   afterleak_sd_event_source_set_time_relative, (sd_event_source*, std::uint64_t));
AFTERLEAK_IN_FRONT(int, sd_event_source_set_enabled, afterleak_sd_event_source_set_enabled,
                   (sd_event_source*, int));
AFTERLEAK_IN_FRONT(void*, sd_event_source_get_userdata, afterleak_sd_event_source_get_userdata,
                   (sd_event_source*));
AFTERLEAK_IN_FRONT(void*, sd_event_source_set_userdata, afterleak_sd_event_source_set_userdata,
                   (sd_event_source*, void*));
AFTERLEAK_IN_FRONT(int, sd_event_source_set_destroy_callback,
                   afterleak_sd_event_source_set_destroy_callback, (sd_event_source*, Destroy));
AFTERLEAK_IN_FRONT(int, sd_event_source_get_destroy_callback,
                   afterleak_sd_event_source_get_destroy_callback, (sd_event_source*, Destroy*));

}  // namespace

extern const Source kSdEvent;
const Source kSdEvent = {.library = Library::kSdEvent,
                         .function = "sd_event_add_time",
                         .ours = reinterpret_cast<const void*>(&afterleak_sd_event_add_time),
                         .linked = reinterpret_cast<const void*>(&sd_event_add_time)};

}  // namespace afterleak::loops::internal
