// What the program keeps on the C++ heap: in total, and by the code that allocated it.
//
//   heap::Scope scope;
//   RunSessions(1000);
//   EXPECT_EQ(scope.usage().live_blocks, 0);  // nothing was left behind
//
// A program counts if it links heap_operators.cc, which replaces every operator new and delete.
// Without it all of this still compiles and runs, but counts nothing, and Counting() is false.
//
// Bytes are the bytes requested, so they are the same on every machine; allocator overhead
// is not included. Calls of malloc() from C code are not counted. No call here allocates
// with operator new.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <utility>

#include "afterleak/version.h"

namespace afterleak::heap {

// True if operator new in this process really counts. It finds out by planting a block (once: this
// adds one to the totals of Process(), and touches no scope). False if heap_operators.cc is not
// linked, and under tools that substitute their operator new: Valgrind, unless run with
// --soname-synonyms=somalloc=nouserintercepts. A test that needs numbers must skip if it is false.
bool Counting();

struct Usage {
  int64_t live_blocks = 0;  // allocated and not yet freed
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;    // the highest live_bytes so far
  int64_t total_blocks = 0;  // ever allocated
  int64_t total_bytes = 0;

  bool operator==(const Usage&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Usage& usage);

// The whole process, since its start. Any thread may call it. It costs one pass over as many
// counters as there have been threads at one time. Live and total are exact when the other threads
// are quiet. The peak is exact to within 4 KiB for each running thread, in either direction,
// because a thread publishes its allocations only every 4 KiB: that is what keeps them cheap.
Usage Process();

// Measures the code run while it is open. A block belongs to the innermost scope open in the thread
// that allocates it, and to all scopes around that one. When it is freed, by any thread and however
// late, it is subtracted from the same scopes. So freeing older blocks does not show, and
// allocations by other threads do not either unless they Adopt the scope.
//
// Scopes of one thread must end in reverse order, in that thread; anything else aborts with a
// message. All numbers are exact, including the peak, and any thread may call usage(). An
// allocation costs about 20 ns more for each open scope around it.
class Scope {
 public:
  class Suspend;

  // Throws std::length_error if kMaxScopes are open or still have live blocks.
  Scope();
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  Usage usage() const;

  static constexpr uint32_t kMaxScopes = (1 << 16) - 1;

 private:
  const uint32_t parent_;
  const uint32_t id_;
};

// While it lives, this thread charges no scope. Meant for the harness's allocations (samples,
// messages) in the middle of measured code. Process() still counts them.
class [[nodiscard]] Scope::Suspend {
 public:
  Suspend();
  ~Suspend();
  Suspend(const Suspend&) = delete;
  Suspend& operator=(const Suspend&) = delete;

 private:
  const uint32_t outer_;
};

// A handle on a scope, which may outlive its Scope object. Made by CurrentScope, used by Adopt.
// Copying it is one atomic increment. Different threads may use different copies.
class ScopeRef {
 public:
  ScopeRef() = default;  // no scope
  ScopeRef(const ScopeRef& other) noexcept;
  ScopeRef(ScopeRef&& other) noexcept : id_(other.id_) { other.id_ = 0; }
  ScopeRef& operator=(ScopeRef other) noexcept { return std::swap(id_, other.id_), *this; }
  ~ScopeRef();

 private:
  friend class Adopt;
  friend ScopeRef CurrentScope() noexcept;
  uint32_t id_ = 0;
};

// The innermost scope of this thread; empty if there is none, or inside a Suspend.
ScopeRef CurrentScope() noexcept;

// While it lives, this thread charges `scope` (no scope, if that is empty) instead of its current
// one, to work on behalf of the thread that started it. The Scope object may end meanwhile.
class [[nodiscard]] Adopt {
 public:
  explicit Adopt(ScopeRef scope) noexcept;
  ~Adopt();
  Adopt(const Adopt&) = delete;
  Adopt& operator=(const Adopt&) = delete;

 private:
  const ScopeRef scope_;
  const uint32_t outer_;
};

// Only for heap_operators.cc, counting_resource.h and the tests.
namespace internal {

uint32_t OnNew(int64_t bytes) noexcept;  // the scope charged, to be passed to OnDelete
void OnDelete(int64_t bytes, uint32_t scope) noexcept;
[[noreturn]] void Die(const char* why) noexcept;

uint32_t ThreadSlotsUsed();  // storage taken so far; it is reused, never given back
uint32_t ScopeRecordsUsed();

// A Usage that any thread may change; the peak is exact.
class Tally {
 public:
  void Add(int64_t bytes) noexcept;
  void Remove(int64_t bytes) noexcept;
  void Clear() noexcept;
  Usage usage() const noexcept;

 private:
  std::atomic<int64_t> live_blocks_, live_bytes_, peak_bytes_, total_blocks_, total_bytes_;
};

}  // namespace internal
}  // namespace afterleak::heap
