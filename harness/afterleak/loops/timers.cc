#include "afterleak/loops/timers.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/symbols.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/ledger.h"
#include "afterleak/loops/objects.h"

namespace afterleak::loops::internal {

using afterleak::internal::CallStack;

namespace {

// Calls `use` with the ledger while no other thread has it.
decltype(auto) Locked(auto&& use) {
  const heap::Scope::Suspend suspend;
  const OwnCall call;  // a report opens and closes files
  Ledger& ledger = Ledger::Get();
  const std::lock_guard lock(ledger.mutex());
  return use(ledger);
}

// The same where nothing is armed.
void IfAny(auto&& use) noexcept {
  try {
    Locked(use);
  } catch (const std::bad_alloc&) {  // no memory for a ledger: there is nothing to tell it
  }
}

// The same for an object that is known.
void With(Library library, Key key, auto&& use) noexcept {
  IfAny([&](Ledger& ledger) {
    if (Object* const object = ledger.objects(library).Find(key)) use(ledger, *object);
  });
}

// A callback that jumped is on no stack: it is put there.
const CallStack& StackOf(const Caller& caller) {
  const CallStack& stack = afterleak::internal::CaptureCallStack(caller.return_address);
  if (!caller.jumped) return stack;
  std::array<std::uintptr_t, afterleak::internal::kMostFrames> frames;
  frames[0] = afterleak::internal::BeginningOf(reinterpret_cast<std::uintptr_t>(caller.callback));
  const std::size_t more = std::min(stack.frames.size(), frames.size() - 1);
  std::ranges::copy(stack.frames.first(more), frames.begin() + 1);
  return afterleak::internal::KeepCallStack(std::span(frames).first(more + 1));
}

void CountUnrecorded() noexcept try {
  Ledger::Get().unrecorded().fetch_add(1, std::memory_order_relaxed);
} catch (const std::bad_alloc&) {  // not even for the ledger
}

}  // namespace

void Made(const LoopTimer& timer, Key key, const Caller& caller, void* data) noexcept {
  try {
    const OwnCall call;
    const heap::Scope::Suspend suspend;
    const CallStack& stack = StackOf(caller);
    const Time now = LedgerNow();
    Locked([&](Ledger& ledger) { ledger.Make(timer, key, now, stack, data); });
  } catch (const std::bad_alloc&) {
    CountUnrecorded();
  }
}

namespace {

Time After(Time now, Duration timeout) {
  return timeout == kNever ? Time::max() : SaturatingAdd(now, timeout);
}

void ArmedAt(const LoopTimer& timer, Key key, Duration timeout, void* data,
             auto&& stack_of) noexcept {
  try {
    const OwnCall call;  // also for a signal handler that arms, in the middle of it
    const heap::Scope::Suspend suspend;
    const CallStack& stack = stack_of();
    const Time now = LedgerNow();
    Locked([&](Ledger& ledger) { ledger.Arm(timer, key, now, After(now, timeout), stack, data); });
  } catch (const std::bad_alloc&) {
    CountUnrecorded();
  }
}

}  // namespace

void Armed(const LoopTimer& timer, Key key, Duration timeout, const Caller& caller,
           void* data) noexcept {
  ArmedAt(timer, key, timeout, data, [&]() -> const CallStack& { return StackOf(caller); });
}

void Armed(const LoopTimer& timer, Key key, Duration timeout,
           std::span<const std::uintptr_t> frames, void* data) noexcept {
  ArmedAt(timer, key, timeout, data,
          [&]() -> const CallStack& { return afterleak::internal::KeepCallStack(frames); });
}

bool PutOff(const LoopTimer& timer, Key key, Duration timeout, void* data) noexcept try {
  const Time now = LedgerNow();
  return Locked(
      [&](Ledger& ledger) { return ledger.PutOff(timer, key, now, After(now, timeout), data); });
} catch (const std::bad_alloc&) {  // Armed counts it
  return false;
}

void Ticked(Library library, Key key, Duration timeout) noexcept {
  With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.census().Tick(object.ticket, SaturatingAdd(LedgerNow(), timeout));
  });
}

void Fired(Library library, Key key) noexcept {
  With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.Fire(object);
  });
}

void Stopped(Library library, Key key) noexcept {
  With(library, key, [&](Ledger& ledger, Object& object) {
    if (object.live) ledger.Stop(object);
  });
}

void Freed(Library library, Key key) noexcept {
  With(library, key, [&](Ledger& ledger, Object& object) { ledger.Free(object); });
}

void FreedAll(const LoopTimer& timer, const void* data, void (*freed)(Key)) noexcept {
  IfAny([&](Ledger& ledger) {
    Objects& objects = ledger.objects(timer.library);
    const std::uint32_t number = ledger.NumberOf(timer);
    for (std::size_t i = 0; i < objects.places(); ++i) {
      Object& object = objects.At(i);
      const Key key = object.key;
      if (key == 0 || object.timer != number || object.data != data) continue;
      ledger.Free(object);
      if (freed != nullptr) freed(key);
    }
  });
}

void Ask(Library library, State (*ask)(Key, const void*)) noexcept {
  IfAny([&](Ledger& ledger) {
    Objects& objects = ledger.objects(library);
    for (std::size_t i = 0; i < objects.places(); ++i) {
      Object& object = objects.At(i);
      if (object.key == 0 || !object.live) continue;
      const State state = ask(object.key, object.data);
      if (state == State::kGone) ledger.Free(object);
      if (state == State::kFired) ledger.Fire(object);
    }
  });
}

Work BeginWork() noexcept try {
  return Locked(
      [](Ledger& ledger) { return current_work = ledger.census().works().Begin(current_work); });
} catch (const std::bad_alloc&) {
  return 0;
}

Work SwitchWork(Work work) noexcept { return std::exchange(current_work, work); }

void EndWork(Work work) noexcept {
  IfAny([&](Ledger& ledger) {
    auto& works = ledger.census().works();
    if (!works.IsOpen(work)) return;
    const Work outer = works.End(work, LedgerNow());
    if (current_work == work) current_work = outer;
  });
}

bool IsLive(Library library, Key key) noexcept {
  bool live = false;
  With(library, key, [&](Ledger&, Object& object) { live = object.live; });
  return live;
}

bool IsKnown(Library library, Key key) noexcept {
  bool known = false;
  With(library, key, [&](Ledger&, Object&) { known = true; });
  return known;
}

void* DataOf(Library library, Key key) noexcept {
  void* data = nullptr;
  With(library, key, [&](Ledger&, Object& object) { data = object.data; });
  return data;
}

void SetData(Library library, Key key, void* data) noexcept {
  With(library, key, [&](Ledger&, Object& object) { object.data = data; });
}

std::int64_t Unrecorded() noexcept try {
  return Ledger::Get().unrecorded().load(std::memory_order_relaxed);
} catch (const std::bad_alloc&) {
  return 0;
}

void NotKnown(Library library) noexcept try {
  Ledger::Get().NotKnown(library);
} catch (const std::bad_alloc&) {  // no ledger: nothing of the others is seen, either
}
bool IsKnown(Library library) noexcept try {
  return Ledger::Get().IsKnown(library);
} catch (const std::bad_alloc&) {
  return true;
}

std::vector<InUse> ObjectsInUse() {
  std::map<std::pair<const TimerKind*, const CallStack*>, std::int64_t> counts;
  Locked([&](Ledger& ledger) {
    for (int library = 0; library < kLibraries; ++library) {
      Objects& objects = ledger.objects(static_cast<Library>(library));
      for (std::size_t i = 0; i < objects.places(); ++i) {
        const Object& object = objects.At(i);
        if (object.key == 0 || !object.live) continue;
        const TimerKind& idle = ledger.TimerOf(object).idle;
        if (!idle.name.empty()) ++counts[{&idle, &ledger.BornAt(object)}];
      }
    }
  });
  std::vector<InUse> in_use;
  in_use.reserve(counts.size());
  for (const auto& [key, count] : counts)
    in_use.push_back({.kind = key.first->name, .site = Site(*key.second), .count = count});
  return in_use;
}

CensusTotals Totals(Resource resource) {
  return Locked([&](Ledger& ledger) { return ledger.census().totals(resource); });
}

CensusReport Report(Resource resource) {
  return Locked([&](Ledger& ledger) { return ledger.census().Report(LedgerNow(), resource); });
}

void NextWindow() {
  Locked([](Ledger& ledger) { ledger.census().NextWindow(); });
}

}  // namespace afterleak::loops::internal
