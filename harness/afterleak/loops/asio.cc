// The waits of Asio's timers, known by a number that each gets (asio_waits.h). Asio is a header:
// it calls us from the program's own code, so nothing stands in front of anything.
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <new>
#include <span>
#include <unordered_map>

#include "afterleak/census/call_stack.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/asio_waits.h"
#include "afterleak/loops/asio_watched.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops {
namespace asio_tracking {
namespace {

using afterleak::internal::CallStack;
using afterleak::internal::kMostFrames;

constexpr internal::LoopTimer Timer(std::string_view armed_by) {
  return internal::MakeUnownedTimer(Library::kAsio, armed_by, false,
                                    "cancel it, or destroy its timer, when its work is over");
}

// Null where nobody watches.
const WatchedAsio* Watched() {
  static const auto* const watched =
      static_cast<const WatchedAsio*>(internal::FindLoaded("afterleak_watched_asio"));
  return watched;
}

std::atomic<Wait> last = 0;
std::atomic<bool> used = false;

// Where each of Asio's coroutines that is there was made.
struct Stacks {
  static Stacks& Get() {
    static Stacks& stacks = *new Stacks;  // threads may outlive static objects
    return stacks;
  }
  const CallStack* Of(const void* frame) {
    const std::lock_guard lock(mutex);
    const auto found = of_frame.find(frame);
    return found != of_frame.end() ? found->second : nullptr;
  }

  std::mutex mutex;
  std::unordered_map<const void*, const CallStack*> of_frame;
};

// The frame of the stack that is in the function which begins at `code`: the first one behind it.
std::size_t Within(std::span<const std::uintptr_t> stack, std::uintptr_t code) {
  constexpr std::uintptr_t kFarthest = 1 << 16;
  std::size_t nearest = stack.size();
  std::uintptr_t least = kFarthest;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (stack[i] <= code || stack[i] - code >= least) continue;
    least = stack[i] - code;
    nearest = i;
  }
  return nearest;
}

// The stack on which the wait was made, up to the coroutine that made it, and then the coroutines
// that wait for that one. The code of a coroutine is where it begins, and a call stack has
// addresses behind a call. Returns how many.
std::size_t Lines(const Coroutines& coroutines, std::span<std::uintptr_t, kMostFrames> lines) {
  std::size_t count = 0;
  int next = 0;
  if (const CallStack* const stack = Stacks::Get().Of(coroutines.frame)) {
    const std::size_t within =
        coroutines.count > 1 ? Within(stack->frames, coroutines.code[1]) : stack->frames.size();
    // Made by one coroutine and awaited by another: it is the first that has the line.
    next = within == stack->frames.size() ? coroutines.count : 2;
    for (; count < stack->frames.size() && count <= within; ++count)
      lines[count] = stack->frames[count];
  }
  for (; next < coroutines.count && count < lines.size(); ++next)
    lines[count++] = coroutines.code[next] + 1;
  return count;
}

}  // namespace

const internal::LoopTimer& TimerOf(Clock clock) {
  static constexpr internal::LoopTimer kSteady = Timer("steady_timer::async_wait");
  static constexpr internal::LoopTimer kSystem = Timer("system_timer::async_wait");
  static constexpr internal::LoopTimer kPosixTime = Timer("deadline_timer::async_wait");
  static constexpr internal::LoopTimer kOther = Timer("basic_waitable_timer::async_wait");
  switch (clock) {
    case Clock::kSteady:
      return kSteady;
    case Clock::kSystem:
      return kSystem;
    case Clock::kPosixTime:
      return kPosixTime;
    case Clock::kOther:
      break;
  }
  return kOther;
}

[[gnu::noinline]] Wait Begin(Clock clock, std::chrono::nanoseconds left) {
  const Wait wait = last.fetch_add(1, std::memory_order_relaxed) + 1;
  internal::Armed(TimerOf(clock), wait, left, AFTERLEAK_CALLER);
  if (Watched() != nullptr) Watched()->begin(wait, clock, left, AFTERLEAK_CALLER, {});
  return wait;
}

Wait Begin(Clock clock, std::chrono::nanoseconds left, const Coroutines& coroutines) {
  const Wait wait = last.fetch_add(1, std::memory_order_relaxed) + 1;
  std::array<std::uintptr_t, kMostFrames> frames{};
  const auto lines = std::span(frames).first(Lines(coroutines, frames));
  internal::Armed(TimerOf(clock), wait, left, lines);
  if (Watched() != nullptr) Watched()->begin(wait, clock, left, AFTERLEAK_CALLER, lines);
  return wait;
}

[[gnu::noinline]] void Locate(const void* frame) noexcept {
  try {
    const heap::Scope::Suspend suspend;
    const CallStack& stack = afterleak::internal::CaptureCallStack(AFTERLEAK_CALLER);
    Stacks& stacks = Stacks::Get();
    const std::lock_guard lock(stacks.mutex);
    stacks.of_frame[frame] = &stack;
  } catch (const std::bad_alloc&) {  // then the line is that where the coroutine begins
  }
}

void Forget(const void* frame) noexcept {
  const heap::Scope::Suspend suspend;
  Stacks& stacks = Stacks::Get();
  const std::lock_guard lock(stacks.mutex);
  stacks.of_frame.erase(frame);
}

void Fire(Wait wait) noexcept {
  internal::Fired(Library::kAsio, wait);
  if (Watched() != nullptr) Watched()->fire(wait);
}

void Stop(Wait wait) noexcept {
  internal::Stopped(Library::kAsio, wait);
  if (Watched() != nullptr) Watched()->stop(wait);
}

bool UsesAsio() noexcept {
  used.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace asio_tracking

namespace internal {

extern const Source kAsio;
const Source kAsio = {.library = Library::kAsio,
                      .used = [] { return asio_tracking::used.load(std::memory_order_relaxed); }};

}  // namespace internal
}  // namespace afterleak::loops
