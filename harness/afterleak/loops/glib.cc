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
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <forward_list>
#include <mutex>
#include <new>
#include <utility>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

// As in glib/gmain.h since 2.0; the header of the GLib in use is not needed.
struct GMainContext;
struct GSource;
using gboolean = int;
using GSourceFunc = gboolean (*)(void*);
using GSourceOnceFunc = void (*)(void*);
using GDestroyNotify = void (*)(void*);
struct GSourceFuncs {
  gboolean (*prepare)(GSource*, int*);
  gboolean (*check)(GSource*);
  gboolean (*dispatch)(GSource*, GSourceFunc, void*);
  void (*finalize)(GSource*);
  GSourceFunc closure_callback;
  void (*closure_marshal)();

  bool operator==(const GSourceFuncs&) const = default;
};
struct GSource {
  void* callback_data;
  void* callback_funcs;
  const GSourceFuncs* source_funcs;
  unsigned ref_count;
  GMainContext* context;
};

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
constexpr LoopTimer kNew =
    MakeLoopTimer(Library::kGlib, "g_timeout_source_new", false, kCure, kCureOfIdle);
constexpr LoopTimer kAttach =
    MakeLoopTimer(Library::kGlib, "g_source_attach", false, kCure, kCureOfIdle);
constexpr LoopTimer kReadyTime =
    MakeLoopTimer(Library::kGlib, "g_source_set_ready_time", false, kCure, kCureOfIdle);

// The time-outs of sockets and of D-Bus are the library's own.
bool CalledByGio(const void* caller) {
  static const Module gio(FindLoaded("g_io_error_from_errno"));
  return gio.Contains(caller);
}

std::int64_t ReadyTimeOf(GSource* source) {
  static const auto get = Next<std::int64_t(GSource*)>("g_source_get_ready_time");
  return get(source);
}

Duration Until(std::int64_t ready_time) {
  static const auto now = Next<std::int64_t()>("g_get_monotonic_time");
  constexpr std::int64_t kMost = kNever / std::chrono::microseconds(1);
  return std::chrono::microseconds(std::clamp<std::int64_t>(ready_time - now(), 0, kMost));
}

bool IsAttached(GSource* source) {
  static const auto is_destroyed = Next<gboolean(GSource*)>("g_source_is_destroyed");
  return source->context != nullptr && is_destroyed(source) == 0;
}

// What this thread is dispatching. Main loops nest.
struct Dispatch {
  GSource* source = nullptr;
  bool due = false;  // by its ready time, and no more has been said of that
};
constinit thread_local Dispatch dispatched;

// It is no longer armed as it was: because it fired, if its own callback says so.
void Disarmed(GSource* source) {
  if (dispatched.source == source && std::exchange(dispatched.due, false))
    Fired(Library::kGlib, KeyOf(source));
  else
    Stopped(Library::kGlib, KeyOf(source));
}

gboolean DispatchBy(const GSourceFuncs& users, GSource* source, GSourceFunc callback, void* data) {
  static const auto time_of = Next<std::int64_t(GSource*)>("g_source_get_time");
  const std::int64_t ready_time = ReadyTimeOf(source);
  const Dispatch outer = std::exchange(
      dispatched, {.source = source, .due = ready_time >= 0 && ready_time <= time_of(source)});
  const gboolean stays = users.dispatch(source, callback, data);
  if (stays == 0)
    Disarmed(source);
  else if (dispatched.due)
    Ticked(Library::kGlib, KeyOf(source), Until(ReadyTimeOf(source)));
  dispatched = outer;
  return stays;
}

void FinalizeBy(const GSourceFuncs& users, GSource* source) {
  Freed(Library::kGlib, KeyOf(source));
  if (users.finalize != nullptr) users.finalize(source);
}

// The table of a program's own kind of source: one for all that are equal, as long as the process.
class Table {
 public:
  // Puts ours in the place of the source's.
  static void PutInto(GSource* source) {
    const GSourceFuncs* const now = source->source_funcs;
    if (now->dispatch == nullptr || now->dispatch == &DispatchTimeout ||
        now->dispatch == &DispatchOwn)
      return;
    const Table* const table = For(*now, true);
    if (table == nullptr) return;
    std::atomic_ref(source->source_funcs).store(&table->ours_, std::memory_order_release);
  }

  // Ours for the program's; null if there is none.
  static const GSourceFuncs* Of(const GSourceFuncs& users) {
    const Table* const table = For(users, false);
    return table == nullptr ? nullptr : &table->ours_;
  }

  // Once GLib is loaded: the table of the timeouts.
  static void PutIntoTimeouts() {
    static constinit std::atomic<GSourceFuncs*> changed = nullptr;
    if (changed.load(std::memory_order_relaxed) != nullptr) return;
    auto* const table = static_cast<GSourceFuncs*>(FindLoaded("g_timeout_funcs"));
    if (table == nullptr || changed.exchange(table) != nullptr) return;
    timeouts_ = *table;
    table->finalize = [](GSource* source) { FinalizeBy(timeouts_, source); };
    table->dispatch = &DispatchTimeout;
  }

  explicit Table(const GSourceFuncs& users) : ours_(users), users_(users) {
    ours_.dispatch = &DispatchOwn;
    ours_.finalize = [](GSource* source) { FinalizeBy(Users(source), source); };
  }

 private:
  static const Table* For(const GSourceFuncs& users, bool make) {
    const heap::Scope::Suspend suspend;
    static std::mutex& mutex = *new std::mutex;
    static auto& tables = *new std::forward_list<Table>;
    const std::lock_guard lock(mutex);
    for (const Table& table : tables) {
      if (table.users_ == users) return &table;
    }
    if (!make) return nullptr;
    try {
      return &tables.emplace_front(users);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static const GSourceFuncs& Users(const GSource* source) {
    return reinterpret_cast<const Table*>(source->source_funcs)->users_;  // ours_ is the first
  }
  static gboolean DispatchOwn(GSource* source, GSourceFunc callback, void* data) {
    return DispatchBy(Users(source), source, callback, data);
  }
  static gboolean DispatchTimeout(GSource* source, GSourceFunc callback, void* data) {
    return DispatchBy(timeouts_, source, callback, data);
  }

  static inline constinit GSourceFuncs timeouts_{};

  GSourceFuncs ours_;
  GSourceFuncs users_;
};

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
  Table::PutIntoTimeouts();
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
  Table::PutIntoTimeouts();
  GSource* const source = next(interval);
  if (!CalledByGio(AFTERLEAK_CALLER)) Made(kNew, KeyOf(source), AFTERLEAK_CALLER);
  return source;
}

GSource* afterleak_g_timeout_source_new_seconds(unsigned interval) {
  static const auto next =
      Next<GSource*(unsigned)>("g_timeout_source_new_seconds", AFTERLEAK_CALLER);
  Table::PutIntoTimeouts();
  GSource* const source = next(interval);
  if (!CalledByGio(AFTERLEAK_CALLER)) Made(kNew, KeyOf(source), AFTERLEAK_CALLER);
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
    Table::PutInto(source);
    if (dispatched.source == source && dispatched.due) Disarmed(source);
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
    const GSourceFuncs* const ours = Table::Of(*functions);
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
                      .attach = &Table::PutIntoTimeouts};

}  // namespace afterleak::loops::internal
