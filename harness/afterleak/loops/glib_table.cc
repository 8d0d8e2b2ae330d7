#include "afterleak/loops/glib_table.h"

#include <algorithm>
#include <atomic>
#include <forward_list>
#include <mutex>
#include <new>
#include <utility>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"

namespace afterleak::loops::internal {
namespace {

// What this thread is dispatching.
struct Dispatch {
  GSource* source = nullptr;
  bool due = false;  // by its ready time, and no more has been said of that
};
constinit thread_local Dispatch dispatched;

// Main loops nest. A callback that throws leaves all that it is in, and its source in GLib's hands:
// attached, but not dispatched again.
class Dispatching {
 public:
  explicit Dispatching(Dispatch now) : outer_(std::exchange(dispatched, now)) {}
  ~Dispatching() {
    if (!returned_ && dispatched.due) Fired(Library::kGlib, KeyOf(dispatched.source));
    dispatched = outer_;
  }
  Dispatching(const Dispatching&) = delete;
  Dispatching& operator=(const Dispatching&) = delete;

  void Returned() { returned_ = true; }

 private:
  const Dispatch outer_;
  bool returned_ = false;
};

gboolean DispatchBy(const GSourceFuncs& users, GSource* source, GSourceFunc callback, void* data) {
  static const auto time_of = Next<std::int64_t(GSource*)>("g_source_get_time");
  const std::int64_t ready_time = ReadyTimeOf(source);
  Dispatching dispatching(
      {.source = source, .due = ready_time >= 0 && ready_time <= time_of(source)});
  const gboolean stays = users.dispatch(source, callback, data);
  dispatching.Returned();
  if (stays == 0)
    Disarmed(source);
  else if (dispatched.due)
    Ticked(Library::kGlib, KeyOf(source), Until(ReadyTimeOf(source)));
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
    // Data: of a program that names it, the one in use is the program's copy.
    void* found = FindLoaded("g_timeout_funcs");
    if (found == nullptr) found = FindNext("g_timeout_funcs", nullptr);
    auto* const table = static_cast<GSourceFuncs*>(found);
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

}  // namespace

void PutTableInto(GSource* source) { Table::PutInto(source); }
const GSourceFuncs* OurTableFor(const GSourceFuncs& users) { return Table::Of(users); }
void PutTableIntoTimeouts() { Table::PutIntoTimeouts(); }

bool IsFiring(const GSource* source) { return dispatched.source == source && dispatched.due; }

void Disarmed(GSource* source) {
  if (dispatched.source == source && std::exchange(dispatched.due, false))
    Fired(Library::kGlib, KeyOf(source));
  else
    Stopped(Library::kGlib, KeyOf(source));
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

}  // namespace afterleak::loops::internal
