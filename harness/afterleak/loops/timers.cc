#include "afterleak/loops/timers.h"

#include <pthread.h>
#include <time.h>

#include <array>
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

Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

struct Object {
  Key key;  // 0: free
  const LoopTimer* timer;
  const afterleak::internal::CallStack* stack;
  void* data;
  Census::Ticket ticket;
  bool live;
};

// A hash table with open addressing: what is displaced stands behind its place without a gap.
class Objects {
 public:
  Object* Find(Key key) {
    if (slots_ == nullptr) return nullptr;
    for (std::size_t i = Home(key);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.key == key) return &object;
      if (object.key == 0) return nullptr;
    }
  }

  // `key` must not be there. Throws std::bad_alloc.
  Object& Add(Key key) {
    if (2 * (used_ + 1) > capacity_) Enlarge();
    ++used_;
    Object& object = FreeFor(key);
    object.key = key;
    return object;
  }

  // All places, for walks: free ones have no key and no timer.
  std::size_t capacity() const { return capacity_; }
  Object& At(std::size_t i) { return (*slots_)[i]; }

  void Remove(Object& removed) {
    --used_;
    auto hole = static_cast<std::size_t>(&removed - &(*slots_)[0]);
    for (std::size_t i = Behind(hole);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.key == 0) break;
      // It may move into the hole unless its home lies behind that.
      const std::size_t from_home = (i - Home(object.key)) & (capacity_ - 1);
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

  std::size_t Home(Key key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 20) & (capacity_ - 1);
  }
  std::size_t Behind(std::size_t i) const { return (i + 1) & (capacity_ - 1); }

  Object& FreeFor(Key key) {
    std::size_t i = Home(key);
    while ((*slots_)[i].key != 0) i = Behind(i);
    return (*slots_)[i];
  }

  void Enlarge() {
    const std::size_t old_capacity = capacity_;
    auto larger = std::make_unique<Slots>(old_capacity == 0 ? kFirst : 2 * old_capacity);
    std::unique_ptr<Slots> old = std::exchange(slots_, std::move(larger));
    capacity_ = old_capacity == 0 ? kFirst : 2 * old_capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if ((*old)[i].key != 0) FreeFor((*old)[i].key) = (*old)[i];
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
    static Ledger& ledger = *Create();
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
      if (Object* const object = ledger.objects(library).Find(key)) use(ledger, *object);
    });
  }

  void Arm(const LoopTimer& timer, Key key, Time now, Time deadline,
           const afterleak::internal::CallStack& stack, void* data) {
    const Census::Ticket ticket = census_.Arm(timer.live, Site(stack), 0, now, deadline);
    Object* object = objects(timer.library).Find(key);
    if (object != nullptr)
      census_.Stop(object->ticket);
    else
      object = &Add(timer, key, ticket);
    *object = {
        .key = key, .timer = &timer, .stack = &stack, .data = data, .ticket = ticket, .live = true};
  }

  void Make(const LoopTimer& timer, Key key, Time now, const afterleak::internal::CallStack& stack,
            void* data) {
    if (objects(timer.library).Find(key) != nullptr) return;
    const Census::Ticket ticket = census_.Arm(timer.idle, Site(stack), 0, now, Time::max());
    Add(timer, key, ticket) = {.key = key,
                               .timer = &timer,
                               .stack = &stack,
                               .data = data,
                               .ticket = ticket,
                               .live = false};
  }

  void Fire(Object& object) {
    census_.Fire(object.ticket);
    BecomeIdle(object);
  }

  void Free(Object& object) {
    census_.Stop(object.ticket);
    objects(object.timer->library).Remove(object);
  }

  // Its live record is closed; now it has an idle one.
  void BecomeIdle(Object& object) {
    object.live = false;
    if (object.timer->idle.name.empty()) {
      objects(object.timer->library).Remove(object);
      return;
    }
    try {
      object.ticket = census_.Arm(object.timer->idle, Site(*object.stack), 0, Now(), Time::max());
    } catch (const std::bad_alloc&) {
      unrecorded_.fetch_add(1, std::memory_order_relaxed);
      objects(object.timer->library).Remove(object);
    }
  }

  Census& census() { return census_; }
  Objects& objects(Library library) { return objects_[static_cast<std::size_t>(library)]; }

  static inline std::atomic<std::int64_t> unrecorded_ = 0;

 private:
  static Ledger* Create() {
    const heap::Scope::Suspend suspend;
    // A child of fork gets the ledger as it was, and not in the middle of a change.
    pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                   [] { Get().mutex_.unlock(); });
    return new Ledger;
  }

  // For a record that is open; closes it if there is no memory.
  Object& Add(const LoopTimer& timer, Key key, Census::Ticket ticket) {
    try {
      return objects(timer.library).Add(key);
    } catch (...) {
      census_.Stop(ticket);
      throw;
    }
  }

  std::mutex mutex_;
  Census census_;
  std::array<Objects, kLibraries> objects_;
};

}  // namespace

void Made(const LoopTimer& timer, Key key, const void* caller, void* data) noexcept {
  try {
    const OwnCall call;
    const heap::Scope::Suspend suspend;
    const auto& stack = afterleak::internal::CaptureCallStack(caller);
    const Time now = Now();
    Ledger::Locked([&](Ledger& ledger) { ledger.Make(timer, key, now, stack, data); });
  } catch (const std::bad_alloc&) {
    Ledger::unrecorded_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Armed(const LoopTimer& timer, Key key, Duration timeout, const void* caller,
           void* data) noexcept {
  try {
    const OwnCall call;  // also for a signal handler that arms, in the middle of it
    const heap::Scope::Suspend suspend;
    const auto& stack = afterleak::internal::CaptureCallStack(caller);
    const Time now = Now();
    const Time deadline = timeout == kNever ? Time::max() : SaturatingAdd(now, timeout);
    Ledger::Locked([&](Ledger& ledger) { ledger.Arm(timer, key, now, deadline, stack, data); });
  } catch (const std::bad_alloc&) {
    Ledger::unrecorded_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Ticked(Library library, Key key, Duration timeout) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.census().Tick(object.ticket, SaturatingAdd(Now(), timeout));
  });
}

void Fired(Library library, Key key) noexcept {
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.Fire(object);
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
  Ledger::With(library, key, [&](Ledger& ledger, Object& object) { ledger.Free(object); });
}

void FreedAll(const LoopTimer& timer, const void* data, void (*freed)(Key)) noexcept {
  Ledger::Locked([&](Ledger& ledger) {
    Objects& objects = ledger.objects(timer.library);
    for (std::size_t i = 0; i < objects.capacity();) {
      Object& object = objects.At(i);
      if (object.timer != &timer || object.data != data) {
        ++i;
        continue;
      }
      const Key key = object.key;
      ledger.Free(object);  // another may stand here now
      if (freed != nullptr) freed(key);
    }
  });
}

void Ask(Library library, State (*ask)(Key, const void*)) noexcept {
  Ledger::Locked([&](Ledger& ledger) {
    Objects& objects = ledger.objects(library);
    for (std::size_t i = 0; i < objects.capacity();) {
      Object& object = objects.At(i);
      const State state =
          object.key != 0 && object.live ? ask(object.key, object.data) : State::kPending;
      if (state == State::kGone) {
        ledger.Free(object);  // another may stand here now
        continue;
      }
      if (state == State::kFired) ledger.Fire(object);
      ++i;
    }
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

void SetData(Library library, Key key, void* data) noexcept {
  Ledger::With(library, key, [&](Ledger&, Object& object) { object.data = data; });
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
