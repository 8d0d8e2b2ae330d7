#include "afterleak/loops/timers.h"

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"

namespace afterleak::loops::internal {
namespace {

// Within 4 ms, which is enough for ages and for what is left, and costs a quarter.
Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

struct Object {
  std::uint64_t id;  // 0: free. Never 0 otherwise: see IdOf
  const LoopTimer* timer;
  const afterleak::internal::CallStack* born;  // where it was armed first: its site while idle
  void* data;
  Census::Ticket ticket;
  bool live;
};

// User addresses have 47 bits, so there is room for the library above them.
std::uint64_t IdOf(Library library, Key object) {
  return std::uint64_t{object} ^ (static_cast<std::uint64_t>(library) + 1) << 56;
}

// A hash table with open addressing: what is displaced stands behind its place without a gap.
class Objects {
 public:
  Object* Find(std::uint64_t id) {
    if (slots_ == nullptr) return nullptr;
    for (std::size_t i = Home(id);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.id == id) return &object;
      if (object.id == 0) return nullptr;
    }
  }

  // `id` must not be there. Throws std::bad_alloc.
  Object& Add(std::uint64_t id) {
    if (2 * (used_ + 1) > capacity_) Enlarge();
    ++used_;
    Object& object = FreeFor(id);
    object.id = id;
    return object;
  }

  void Remove(Object& removed) {
    --used_;
    auto hole = static_cast<std::size_t>(&removed - &(*slots_)[0]);
    for (std::size_t i = Behind(hole);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.id == 0) break;
      // It may move into the hole unless its home lies behind that.
      const std::size_t from_home = (i - Home(object.id)) & (capacity_ - 1);
      const std::size_t from_hole = (i - hole) & (capacity_ - 1);
      if (from_home < from_hole) continue;
      (*slots_)[hole] = object;
      hole = i;
    }
    (*slots_)[hole] = Object{};
  }

 private:
  class Slots {  // outside the heap, as in MappedArray, but in one piece
   public:
    explicit Slots(std::size_t count) : bytes_(count * sizeof(Object)) {
      void* const memory =
          mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      first_ = static_cast<Object*>(memory);
    }
    ~Slots() { munmap(first_, bytes_); }
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    Object& operator[](std::size_t i) const { return first_[i]; }

   private:
    std::size_t bytes_;
    Object* first_;
  };

  static constexpr std::size_t kFirst = 1024;

  std::size_t Home(std::uint64_t id) const {
    return static_cast<std::size_t>(id * 0x9E3779B97F4A7C15u >> 20) & (capacity_ - 1);
  }
  std::size_t Behind(std::size_t i) const { return (i + 1) & (capacity_ - 1); }

  Object& FreeFor(std::uint64_t id) {
    std::size_t i = Home(id);
    while ((*slots_)[i].id != 0) i = Behind(i);
    return (*slots_)[i];
  }

  void Enlarge() {
    const std::size_t old_capacity = capacity_;
    auto larger = std::make_unique<Slots>(old_capacity == 0 ? kFirst : 2 * old_capacity);
    std::unique_ptr<Slots> old = std::exchange(slots_, std::move(larger));
    capacity_ = old_capacity == 0 ? kFirst : 2 * old_capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if ((*old)[i].id != 0) FreeFor((*old)[i].id) = (*old)[i];
    }
  }

  std::unique_ptr<Slots> slots_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t used_ = 0;
};

class Ledger {
 public:
  // Never destroyed: timers end while static objects are destroyed, and after it.
  static Ledger& Get() {
    static Ledger& ledger = *Make();
    return ledger;
  }

  // Calls `use` with the ledger while no other thread has it.
  static decltype(auto) Locked(auto&& use) {
    const heap::Scope::Suspend suspend;
    const OwnCall call;  // a report opens and closes files
    Ledger& ledger = Get();
    const std::lock_guard lock(ledger.mutex_);
    return use(ledger);
  }

  // The same for an object that is known.
  static void With(Library library, Key key, auto&& use) noexcept {
    Locked([&](Ledger& ledger) {
      if (Object* const object = ledger.objects_.Find(IdOf(library, key))) use(ledger, *object);
    });
  }

  void Arm(const LoopTimer& timer, Key key, Time now, Time deadline,
           const afterleak::internal::CallStack& stack, void* data) {
    const std::uint64_t id = IdOf(timer.library, key);
    const Census::Ticket ticket = census_.Arm(timer.live, Site(stack), 0, now, deadline);
    Object* object = objects_.Find(id);
    const afterleak::internal::CallStack* born = &stack;
    if (object != nullptr) {
      census_.Stop(object->ticket);
      born = object->born;
    } else {
      try {
        object = &objects_.Add(id);
      } catch (...) {
        census_.Stop(ticket);
        throw;
      }
    }
    *object = {
        .id = id, .timer = &timer, .born = born, .data = data, .ticket = ticket, .live = true};
  }

  // Its live record is closed; now it has an idle one.
  void BecomeIdle(Object& object) {
    object.live = false;
    if (object.timer->idle.cure.empty()) return objects_.Remove(object);
    try {
      object.ticket = census_.Arm(object.timer->idle, Site(*object.born), 0, Now(), Time::max());
    } catch (const std::bad_alloc&) {
      unrecorded_.fetch_add(1, std::memory_order_relaxed);
      objects_.Remove(object);
    }
  }

  Census& census() { return census_; }
  Objects& objects() { return objects_; }

  static inline std::atomic<std::int64_t> unrecorded_ = 0;

 private:
  static Ledger* Make() {
    const heap::Scope::Suspend suspend;
    // A child of fork gets the ledger as it was, and not in the middle of a change.
    pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                   [] { Get().mutex_.unlock(); });
    return new Ledger;
  }

  std::mutex mutex_;
  Census census_;
  Objects objects_;
};

}  // namespace

namespace {

void ArmedAt(const LoopTimer& timer, Key key, Duration timeout, void* data,
             auto&& stack_of) noexcept {
  try {
    const heap::Scope::Suspend suspend;
    const afterleak::internal::CallStack& stack = stack_of();
    const Time now = Now();
    const Time deadline = timeout == kNever ? Time::max() : SaturatingAdd(now, timeout);
    Ledger::Locked([&](Ledger& ledger) { ledger.Arm(timer, key, now, deadline, stack, data); });
  } catch (const std::bad_alloc&) {
    Ledger::unrecorded_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

void Armed(const LoopTimer& timer, Key key, Duration timeout, const void* caller,
           void* data) noexcept {
  ArmedAt(timer, key, timeout, data, [&]() -> const afterleak::internal::CallStack& {
    return afterleak::internal::CaptureCallStack(caller);
  });
}

void Armed(const LoopTimer& timer, Key key, Duration timeout,
           std::span<const std::uintptr_t> frames, void* data) noexcept {
  ArmedAt(timer, key, timeout, data, [&]() -> const afterleak::internal::CallStack& {
    return afterleak::internal::KeepCallStack(frames);
  });
}

void Ticked(Library library, Key key, Duration timeout) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.census().Tick(object.ticket, SaturatingAdd(Now(), timeout));
  });
}

void Fired(Library library, Key key) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (!object.live) return;
    ledger.census().Fire(object.ticket);
    ledger.BecomeIdle(object);
  });
}

void Stopped(Library library, Key key) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (!object.live) return;
    ledger.census().Stop(object.ticket);
    ledger.BecomeIdle(object);
  });
}

void Freed(Library library, Key key) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    ledger.census().Stop(object.ticket);
    ledger.objects().Remove(object);
  });
}

void Abandoned(Library library, Key key) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.census().Abandon(object.ticket, Now());
  });
}

bool IsLive(Library library, Key key) noexcept {
  bool live = false;
  Ledger::With(library, key, [&](Ledger&, Object& object) { live = object.live; });
  return live;
}

bool IsKnown(Library library, Key key) noexcept {
  bool known = false;
  Ledger::With(library, key, [&](Ledger&, Object&) { known = true; });
  return known;
}

void* DataOf(Library library, Key key) noexcept {
  void* data = nullptr;
  Ledger::With(library, key, [&](Ledger&, Object& object) { data = object.data; });
  return data;
}

std::int64_t Unrecorded() noexcept { return Ledger::unrecorded_.load(std::memory_order_relaxed); }

CensusTotals Totals(Resource resource) {
  return Ledger::Locked([&](Ledger& ledger) { return ledger.census().totals(resource); });
}

CensusReport Report(Resource resource) {
  return Ledger::Locked([&](Ledger& ledger) { return ledger.census().Report(Now(), resource); });
}

void NextWindow() {
  Ledger::Locked([](Ledger& ledger) { ledger.census().NextWindow(); });
}

}  // namespace afterleak::loops::internal
