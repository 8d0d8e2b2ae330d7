// Counters of threads and scopes. They are in static storage and need no construction or
// destruction, because operator new is called before main, after the last static destructor, and
// while a thread is ending. Nothing here takes a lock, so a fork is harmless at any moment.
#include "afterleak/heap/heap.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <ostream>
#include <stdexcept>

namespace afterleak::heap {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Raises `peak` to `value` if that is higher.
void Raise(std::atomic<int64_t>& peak, int64_t value) {
  int64_t seen = peak.load(kRelaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, kRelaxed)) {
  }
}

// Numbered records, from 1; 0 means none (and is a record all the same). Untouched records are
// untouched pages of .bss: the union skips their constructors, which would only produce all-zero
// bytes. Freed records are a linked stack. The upper half of its head counts changes; without it, a
// pop could mistake a head that left and came back for one that never moved.
template <typename Record, uint32_t kRecords>
class Pool {
 public:
  constexpr Pool() : zero_(0) {}

  Record& operator[](uint32_t id) { return records_[id]; }
  uint32_t used() const { return used_.load(std::memory_order_acquire); }
  uint32_t IdOf(const Record* record) const { return static_cast<uint32_t>(record - records_); }

  uint32_t Take() {  // 0 if all are taken
    uint64_t head = free_.load(std::memory_order_acquire);
    while (const auto id = static_cast<uint32_t>(head)) {
      const uint64_t rest = Head(head, records_[id].next_free.load(kRelaxed));
      if (free_.compare_exchange_weak(head, rest, std::memory_order_acquire)) return id;
    }
    uint32_t used = used_.load(kRelaxed);
    while (used < kRecords) {
      if (used_.compare_exchange_weak(used, used + 1, std::memory_order_acq_rel)) return used + 1;
    }
    return 0;
  }

  void GiveBack(uint32_t id) {
    uint64_t head = free_.load(kRelaxed);
    do {
      records_[id].next_free.store(static_cast<uint32_t>(head), kRelaxed);
    } while (!free_.compare_exchange_weak(head, Head(head, id), std::memory_order_acq_rel));
  }

 private:
  static uint64_t Head(uint64_t previous, uint32_t id) {
    return (((previous >> 32) + 1) << 32) | id;
  }

  union {
    char zero_;
    Record records_[kRecords + 1];
  };
  std::atomic<uint64_t> free_;
  std::atomic<uint32_t> used_;
};

// --- Threads ---

struct Flow {
  std::atomic<int64_t> blocks, bytes;
};

// The sums of one thread and, before it, of the dead threads that had the slot. Only the owner
// writes, so an increment is a plain load, add and store. Two cache lines apart, because lines are
// prefetched in pairs.
struct alignas(128) Slot {
  Flow in, out;
  int64_t untold;  // live bytes not yet in told_bytes; owner only
  std::atomic<uint32_t> next_free;
};

constexpr int64_t kTellEvery = 4096;
constexpr uint32_t kMaxThreads = 1 << 15;

// Slot 0 is shared by threads that cannot have a private one: those whose key destructor has run,
// and those beyond kMaxThreads.
constinit Pool<Slot, kMaxThreads> slots;
constinit std::atomic<int64_t> told_bytes, peak_bytes;

struct Thread {
  Slot* slot;
  uint32_t scope;
  bool shares;
};
[[gnu::tls_model("initial-exec")]] constinit thread_local Thread this_thread = {};

void Tell(int64_t bytes) { Raise(peak_bytes, told_bytes.fetch_add(bytes, kRelaxed) + bytes); }

[[gnu::noinline]] void Tell(Slot& slot) {
  Tell(slot.untold);
  slot.untold = 0;
}

void LeaveSlot(void*) {
  Tell(*this_thread.slot);
  slots.GiveBack(slots.IdOf(this_thread.slot));
  this_thread.slot = nullptr;
  this_thread.shares = true;  // other keys' destructors may still allocate
}

pthread_key_t slot_key;
pthread_once_t slot_key_once = PTHREAD_ONCE_INIT;
bool slot_key_works;  // there are only 1024 keys in a process

bool TakeSlot() {
  if (this_thread.shares) return false;
  pthread_once(&slot_key_once,
               [] { slot_key_works = pthread_key_create(&slot_key, LeaveSlot) == 0; });
  const uint32_t id = slot_key_works ? slots.Take() : 0;
  if (id != 0 && pthread_setspecific(slot_key, &slots[id]) == 0) {
    this_thread.slot = &slots[id];
    return true;
  }
  if (id != 0) slots.GiveBack(id);
  this_thread.shares = true;
  return false;
}

void Bump(std::atomic<int64_t>& count, int64_t by) {
  count.store(count.load(kRelaxed) + by, kRelaxed);
}

[[gnu::noinline]] void CountWithoutSlot(Flow Slot::* flow, int64_t bytes, int64_t change);

inline void Count(Flow Slot::* flow, int64_t bytes, int64_t change) {
  Slot* const slot = this_thread.slot;
  if (slot == nullptr) [[unlikely]]
    return CountWithoutSlot(flow, bytes, change);
  Bump((slot->*flow).blocks, 1);
  Bump((slot->*flow).bytes, bytes);
  slot->untold += change;
  if (static_cast<uint64_t>(slot->untold + kTellEvery) > 2 * kTellEvery) [[unlikely]]
    Tell(*slot);
}

void CountWithoutSlot(Flow Slot::* flow, int64_t bytes, int64_t change) {
  if (TakeSlot()) return Count(flow, bytes, change);
  (slots[0].*flow).blocks.fetch_add(1, kRelaxed);
  (slots[0].*flow).bytes.fetch_add(bytes, kRelaxed);
  Tell(change);
}

// --- Scopes ---

// Referenced by the Scope object, each ScopeRef, each live block and each child record; the
// last of them to go frees it. An id in a block is therefore always valid, and so are those
// of its ancestors.
struct alignas(64) ScopeRecord {
  internal::Tally tally;
  std::atomic<uint32_t> keepers;
  uint32_t parent;
  std::atomic<uint32_t> next_free;
};

constinit Pool<ScopeRecord, Scope::kMaxScopes> scopes;

void Keep(uint32_t id) {
  if (id != 0) scopes[id].keepers.fetch_add(1, kRelaxed);
}

void Release(uint32_t id) {
  while (id != 0 && scopes[id].keepers.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const uint32_t parent = scopes[id].parent;
    scopes.GiveBack(id);
    id = parent;
  }
}

uint32_t OpenScope(uint32_t parent) {
  const uint32_t id = scopes.Take();
  if (id == 0) {
    throw std::length_error("afterleak::heap::Scope: 65535 scopes are open or have live blocks");
  }
  Keep(parent);
  scopes[id].tally.Clear();
  scopes[id].keepers.store(1, kRelaxed);
  scopes[id].parent = parent;
  return id;
}

[[gnu::noinline]] uint32_t Charge(uint32_t scope, int64_t bytes) {
  Keep(scope);
  for (uint32_t id = scope; id != 0; id = scopes[id].parent) scopes[id].tally.Add(bytes);
  return scope;
}

[[gnu::noinline]] void Discharge(uint32_t scope, int64_t bytes) {
  for (uint32_t id = scope; id != 0; id = scopes[id].parent) scopes[id].tally.Remove(bytes);
  Release(scope);
}

// Returns from `inner` to `outer`.
void Leave(uint32_t inner, uint32_t outer) {
  if (this_thread.scope != inner) {
    internal::Die("Scope, Suspend and Adopt must end in their own thread, in reverse order");
  }
  this_thread.scope = outer;
}

uint32_t Enter(uint32_t inner) { return std::exchange(this_thread.scope, inner); }

}  // namespace

std::ostream& operator<<(std::ostream& out, const Usage& usage) {
  return out << "live " << usage.live_blocks << " blocks, " << usage.live_bytes << " bytes; peak "
             << usage.peak_bytes << " bytes; total " << usage.total_blocks << " blocks, "
             << usage.total_bytes << " bytes";
}

bool Counting() {
  static const bool counting = [] {
    Scope::Suspend unseen;
    Scope probe;
    ::operator delete(::operator new(1));
    return probe.usage().total_blocks == 1;
  }();
  return counting;
}

Usage Process() {
  Usage sum;
  for (uint32_t id = 0; id <= slots.used(); ++id) {
    const int64_t blocks = slots[id].in.blocks.load(kRelaxed);
    const int64_t bytes = slots[id].in.bytes.load(kRelaxed);
    sum.total_blocks += blocks;
    sum.total_bytes += bytes;
    sum.live_blocks += blocks - slots[id].out.blocks.load(kRelaxed);
    sum.live_bytes += bytes - slots[id].out.bytes.load(kRelaxed);
  }
  sum.peak_bytes = std::max(sum.live_bytes, peak_bytes.load(kRelaxed));
  return sum;
}

Scope::Scope() : parent_(this_thread.scope), id_(OpenScope(parent_)) { Enter(id_); }

Scope::~Scope() {
  Leave(id_, parent_);
  Release(id_);
}

Usage Scope::usage() const { return scopes[id_].tally.usage(); }

Scope::Suspend::Suspend() : outer_(Enter(0)) {}
Scope::Suspend::~Suspend() { Leave(0, outer_); }

ScopeRef::ScopeRef(const ScopeRef& other) noexcept : id_(other.id_) { Keep(id_); }
ScopeRef::~ScopeRef() { Release(id_); }

ScopeRef CurrentScope() noexcept {
  ScopeRef ref;
  Keep(ref.id_ = this_thread.scope);
  return ref;
}

Adopt::Adopt(ScopeRef scope) noexcept : scope_(std::move(scope)), outer_(Enter(scope_.id_)) {}
Adopt::~Adopt() { Leave(scope_.id_, outer_); }

namespace internal {

uint32_t OnNew(int64_t bytes) noexcept {
  Count(&Slot::in, bytes, bytes);
  return this_thread.scope == 0 ? 0 : Charge(this_thread.scope, bytes);
}

void OnDelete(int64_t bytes, uint32_t scope) noexcept {
  Count(&Slot::out, bytes, -bytes);
  if (scope != 0) Discharge(scope, bytes);
}

void Die(const char* why) noexcept {
  for (const char* part : {"afterleak::heap: ", why, "\n"}) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  std::abort();
}

uint32_t ThreadSlotsUsed() { return slots.used(); }
uint32_t ScopeRecordsUsed() { return scopes.used(); }

void Tally::Add(int64_t bytes) noexcept {
  total_blocks_.fetch_add(1, kRelaxed);
  total_bytes_.fetch_add(bytes, kRelaxed);
  live_blocks_.fetch_add(1, kRelaxed);
  Raise(peak_bytes_, live_bytes_.fetch_add(bytes, kRelaxed) + bytes);
}

void Tally::Remove(int64_t bytes) noexcept {
  live_blocks_.fetch_sub(1, kRelaxed);
  live_bytes_.fetch_sub(bytes, kRelaxed);
}

void Tally::Clear() noexcept {
  for (auto* count : {&live_blocks_, &live_bytes_, &peak_bytes_, &total_blocks_, &total_bytes_}) {
    count->store(0, kRelaxed);
  }
}

Usage Tally::usage() const noexcept {
  const int64_t live_bytes = live_bytes_.load(kRelaxed);
  return {.live_blocks = live_blocks_.load(kRelaxed),
          .live_bytes = live_bytes,
          .peak_bytes = std::max(live_bytes, peak_bytes_.load(kRelaxed)),
          .total_blocks = total_blocks_.load(kRelaxed),
          .total_bytes = total_bytes_.load(kRelaxed)};
}

}  // namespace internal
}  // namespace afterleak::heap
