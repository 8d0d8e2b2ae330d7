// GLib's timeouts and every other source with a ready time, of all main contexts
// (https://docs.gtk.org/glib/main-loop.html), known by the address of their source.
//
// GLib calls its own functions directly, so a firing and a free are seen in the table of functions
// that each source has: g_timeout_funcs is writable, and a program's own source gets a copy of its
// table when it is given a ready time. For the same reason g_timeout_add and its like are put
// together here from GLib's other functions, as GLib does: its source may fire in another thread
// before g_timeout_add has returned, and must be known by then.
//
// Not seen: that the destruction of a context stops a source to which the program has a reference.
// It stays live until that is given back.
#include <cstdint>
#include <new>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/glib_table.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

using GSourceOnceFunc = void (*)(void*);
using GDestroyNotify = void (*)(void*);

constexpr std::string_view kCure =
    "remove it with g_source_remove or g_source_destroy when its work is over";
constexpr std::string_view kCureOfIdle = "give it back with g_source_unref";

// GLib frees what these arm.
constexpr LoopTimer MakeAdded(std::string_view name) {
  return MakeUnownedTimer(Library::kGlib, name, false, kCure);
}
constexpr LoopTimer kAdd = MakeAdded("g_timeout_add");
constexpr LoopTimer kAddFull = MakeAdded("g_timeout_add_full");
constexpr LoopTimer kAddOnce = MakeAdded("g_timeout_add_once");
constexpr LoopTimer kAddSeconds = MakeAdded("g_timeout_add_seconds");
constexpr LoopTimer kAddSecondsFull = MakeAdded("g_timeout_add_seconds_full");
constexpr LoopTimer kAttach =
    MakeLoopTimer(Library::kGlib, "g_source_attach", false, kCure, "GSource", kCureOfIdle);
constexpr LoopTimer kReadyTime =
    MakeLoopTimer(Library::kGlib, "g_source_set_ready_time", false, kCure, "GSource", kCureOfIdle);

// The time-outs of sockets and of D-Bus are the library's own.
bool CalledByGio(const void* caller) {
  static const Module gio(FindNext("g_io_error_from_errno", nullptr));
  return gio.Contains(caller);
}

bool IsAttached(GSource* source) {
  static const auto is_destroyed = Next<gboolean(GSource*)>("g_source_is_destroyed");
  return source->context != nullptr && is_destroyed(source) == 0;
}

struct Once {
  GSourceOnceFunc function;
  void* data;
};

// The one that all of these end in. A priority of 0 is the default.
unsigned Add(const LoopTimer& timer, const void* caller, bool seconds, int priority,
             unsigned interval, GSourceFunc function, void* data, GDestroyNotify notify) {
  static const auto make = Next<GSource*(unsigned)>("g_timeout_source_new");
  static const auto make_seconds = Next<GSource*(unsigned)>("g_timeout_source_new_seconds");
  static const auto set_priority = Next<void(GSource*, int)>("g_source_set_priority");
  static const auto set_callback =
      Next<void(GSource*, GSourceFunc, void*, GDestroyNotify)>("g_source_set_callback");
  static const auto attach = Next<unsigned(GSource*, GMainContext*)>("g_source_attach");
  static const auto unref = Next<void(GSource*)>("g_source_unref");
  PutTableIntoTimeouts();
  GSource* const source = seconds ? make_seconds(interval) : make(interval);
  if (priority != 0) set_priority(source, priority);
  set_callback(source, function, data, notify);
  if (!CalledByGio(caller)) Armed(timer, KeyOf(source), Until(ReadyTimeOf(source)), caller);
  const unsigned id = attach(source, nullptr);
  unref(source);
  return id;
}

extern "C" {

unsigned afterleak_g_timeout_add(unsigned interval, GSourceFunc function, void* data) {
  static const auto next = Next<unsigned(unsigned, GSourceFunc, void*)>("g_timeout_add");
  if (function == nullptr) return next(interval, function, data);
  return Add(kAdd, AFTERLEAK_CALLER, false, 0, interval, function, data, nullptr);
}

unsigned afterleak_g_timeout_add_full(int priority, unsigned interval, GSourceFunc function,
                                      void* data, GDestroyNotify notify) {
  static const auto next =
      Next<unsigned(int, unsigned, GSourceFunc, void*, GDestroyNotify)>("g_timeout_add_full");
  if (function == nullptr) return next(priority, interval, function, data, notify);
  return Add(kAddFull, AFTERLEAK_CALLER, false, priority, interval, function, data, notify);
}

unsigned afterleak_g_timeout_add_once(unsigned interval, GSourceOnceFunc function, void* data) {
  static const auto next = Next<unsigned(unsigned, GSourceOnceFunc, void*)>("g_timeout_add_once");
  const heap::Scope::Suspend suspend;
  auto* const once = function == nullptr ? nullptr : new (std::nothrow) Once{function, data};
  if (once == nullptr) return next(interval, function, data);
  return Add(
      kAddOnce, AFTERLEAK_CALLER, false, 0, interval,
      [](void* called) {
        static_cast<Once*>(called)->function(static_cast<Once*>(called)->data);
        return 0;
      },
      once,
      [](void* freed) {
        const heap::Scope::Suspend suspended;
        delete static_cast<Once*>(freed);
      });
}

unsigned afterleak_g_timeout_add_seconds(unsigned interval, GSourceFunc function, void* data) {
  static const auto next = Next<unsigned(unsigned, GSourceFunc, void*)>("g_timeout_add_seconds");
  if (function == nullptr) return next(interval, function, data);
  return Add(kAddSeconds, AFTERLEAK_CALLER, true, 0, interval, function, data, nullptr);
}

unsigned afterleak_g_timeout_add_seconds_full(int priority, unsigned interval, GSourceFunc function,
                                              void* data, GDestroyNotify notify) {
  static const auto next = Next<unsigned(int, unsigned, GSourceFunc, void*, GDestroyNotify)>(
      "g_timeout_add_seconds_full");
  if (function == nullptr) return next(priority, interval, function, data, notify);
  return Add(kAddSecondsFull, AFTERLEAK_CALLER, true, priority, interval, function, data, notify);
}

GSource* afterleak_g_timeout_source_new(unsigned interval) {
  static const auto next = Next<GSource*(unsigned)>("g_timeout_source_new", AFTERLEAK_CALLER);
  PutTableIntoTimeouts();
  GSource* const source = next(interval);
  if (!CalledByGio(AFTERLEAK_CALLER)) Made(kAttach, KeyOf(source), AFTERLEAK_CALLER);
  return source;
}

GSource* afterleak_g_timeout_source_new_seconds(unsigned interval) {
  static const auto next =
      Next<GSource*(unsigned)>("g_timeout_source_new_seconds", AFTERLEAK_CALLER);
  PutTableIntoTimeouts();
  GSource* const source = next(interval);
  if (!CalledByGio(AFTERLEAK_CALLER)) Made(kAttach, KeyOf(source), AFTERLEAK_CALLER);
  return source;
}

unsigned afterleak_g_source_attach(GSource* source, GMainContext* context) {
  static const auto next =
      Next<unsigned(GSource*, GMainContext*)>("g_source_attach", AFTERLEAK_CALLER);
  static const auto is_destroyed = Next<gboolean(GSource*)>("g_source_is_destroyed");
  if (source != nullptr && source->context == nullptr && is_destroyed(source) == 0 &&
      !CalledByGio(AFTERLEAK_CALLER)) {
    const std::int64_t ready_time = ReadyTimeOf(source);
    if (ready_time >= 0) Armed(kAttach, KeyOf(source), Until(ready_time), AFTERLEAK_CALLER);
  }
  return next(source, context);
}

void afterleak_g_source_set_ready_time(GSource* source, std::int64_t ready_time) {
  static const auto next =
      Next<void(GSource*, std::int64_t)>("g_source_set_ready_time", AFTERLEAK_CALLER);
  if (source != nullptr && !CalledByGio(AFTERLEAK_CALLER)) {
    PutTableInto(source);
    if (IsFiring(source)) Disarmed(source);
    if (ready_time < 0)
      Disarmed(source);
    else if (IsAttached(source))
      Armed(kReadyTime, KeyOf(source), Until(ready_time), AFTERLEAK_CALLER);
  }
  next(source, ready_time);
}

void afterleak_g_source_destroy(GSource* source) {
  static const auto next = Next<void(GSource*)>("g_source_destroy", AFTERLEAK_CALLER);
  Disarmed(source);
  next(source);
}

gboolean afterleak_g_source_remove(unsigned id) {
  static const auto next = Next<gboolean(unsigned)>("g_source_remove", AFTERLEAK_CALLER);
  static const auto find =
      Next<GSource*(GMainContext*, unsigned)>("g_main_context_find_source_by_id");
  if (GSource* const source = id == 0 ? nullptr : find(nullptr, id)) Disarmed(source);
  return next(id);
}

gboolean afterleak_g_source_remove_by_user_data(void* data) {
  static const auto next = Next<gboolean(void*)>("g_source_remove_by_user_data", AFTERLEAK_CALLER);
  static const auto find =
      Next<GSource*(GMainContext*, void*)>("g_main_context_find_source_by_user_data");
  if (GSource* const source = find(nullptr, data)) Disarmed(source);
  return next(data);
}

GSource* afterleak_g_main_context_find_source_by_funcs_user_data(GMainContext* context,
                                                                 GSourceFuncs* functions,
                                                                 void* data) {
  static const auto next = Next<GSource*(GMainContext*, const GSourceFuncs*, void*)>(
      "g_main_context_find_source_by_funcs_user_data", AFTERLEAK_CALLER);
  if (functions != nullptr) {
    const GSourceFuncs* const ours = OurTableFor(*functions);
    GSource* const source = ours == nullptr ? nullptr : next(context, ours, data);
    if (source != nullptr) return source;
  }
  return next(context, functions, data);
}

gboolean afterleak_g_source_remove_by_funcs_user_data(GSourceFuncs* functions, void* data) {
  GSource* const source =
      afterleak_g_main_context_find_source_by_funcs_user_data(nullptr, functions, data);
  if (source == nullptr) return 0;
  afterleak_g_source_destroy(source);
  return 1;
}

}  // extern "C"

AFTERLEAK_IN_FRONT(unsigned, g_timeout_add, afterleak_g_timeout_add,
                   (unsigned, GSourceFunc, void*));
AFTERLEAK_IN_FRONT(unsigned, g_timeout_add_full, afterleak_g_timeout_add_full,
                   (int, unsigned, GSourceFunc, void*, GDestroyNotify));
AFTERLEAK_IN_FRONT(unsigned, g_timeout_add_once, afterleak_g_timeout_add_once,
                   (unsigned, GSourceOnceFunc, void*));
AFTERLEAK_IN_FRONT(unsigned, g_timeout_add_seconds, afterleak_g_timeout_add_seconds,
                   (unsigned, GSourceFunc, void*));
AFTERLEAK_IN_FRONT(unsigned, g_timeout_add_seconds_full, afterleak_g_timeout_add_seconds_full,
                   (int, unsigned, GSourceFunc, void*, GDestroyNotify));
AFTERLEAK_IN_FRONT(GSource*, g_timeout_source_new, afterleak_g_timeout_source_new, (unsigned));
AFTERLEAK_IN_FRONT(GSource*, g_timeout_source_new_seconds, afterleak_g_timeout_source_new_seconds,
                   (unsigned));
AFTERLEAK_IN_FRONT(unsigned, g_source_attach, afterleak_g_source_attach, (GSource*, GMainContext*));
AFTERLEAK_IN_FRONT(void, g_source_set_ready_time, afterleak_g_source_set_ready_time,
                   (GSource*, std::int64_t));
AFTERLEAK_IN_FRONT(void, g_source_destroy, afterleak_g_source_destroy, (GSource*));
AFTERLEAK_IN_FRONT(gboolean, g_source_remove, afterleak_g_source_remove, (unsigned));
AFTERLEAK_IN_FRONT(gboolean, g_source_remove_by_user_data, afterleak_g_source_remove_by_user_data,
                   (void*));
AFTERLEAK_IN_FRONT(GSource*, g_main_context_find_source_by_funcs_user_data,
                   afterleak_g_main_context_find_source_by_funcs_user_data,
                   (GMainContext*, GSourceFuncs*, void*));
AFTERLEAK_IN_FRONT(gboolean, g_source_remove_by_funcs_user_data,
                   afterleak_g_source_remove_by_funcs_user_data, (GSourceFuncs*, void*));

}  // namespace

extern const Source kGlib;
const Source kGlib = {.library = Library::kGlib,
                      .function = "g_source_attach",
                      .ours = reinterpret_cast<const void*>(&afterleak_g_source_attach),
                      .linked = reinterpret_cast<const void*>(&g_source_attach),
                      .attach = &PutTableIntoTimeouts};

}  // namespace afterleak::loops::internal
