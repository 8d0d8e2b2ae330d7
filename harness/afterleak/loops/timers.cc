#include "afterleak/loops/timers.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <ctime>
#include <mutex>
#include <new>

#include "afterleak/census/call_stack.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/objects.h"

namespace afterleak::loops::internal {
namespace {

// Within 4 ms, which is enough for ages and for what is left, and costs a quarter.
Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

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
    const afterleak::internal::CallStack* born = &stack;
    if (object != nullptr) {
      census_.Stop(object->ticket);
      born = object->born;
    } else {
      object = &Add(timer, key, ticket);
    }
    *object = {
        .key = key, .timer = &timer, .born = born, .data = data, .ticket = ticket, .live = true};
  }

  void Make(const LoopTimer& timer, Key key, Time now, const afterleak::internal::CallStack& stack,
            void* data) {
    if (objects(timer.library).Find(key) != nullptr) return;
    const Census::Ticket ticket = census_.Arm(timer.idle, Site(stack), 0, now, Time::max());
    Add(timer, key, ticket) = {
        .key = key, .timer = &timer, .born = &stack, .data = data, .ticket = ticket, .live = false};
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
      object.ticket = census_.Arm(object.timer->idle, Site(*object.born), 0, Now(), Time::max());
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

namespace {

void ArmedAt(const LoopTimer& timer, Key key, Duration timeout, void* data,
             auto&& stack_of) noexcept {
  try {
    const OwnCall call;  // also for a signal handler that arms, in the middle of it
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
