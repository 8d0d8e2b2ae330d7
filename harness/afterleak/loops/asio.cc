// The waits of Asio's timers, known by a number that each gets (asio_tracking.h). Asio is a header:
// it calls us from the program's own code, so nothing stands in front of anything.
#include <array>
#include <atomic>
#include <cstddef>
#include <span>

#include "afterleak/census/call_stack.h"
#include "afterleak/loops/asio_tracking.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops {
namespace asio_tracking {
namespace {

constexpr internal::LoopTimer Timer(std::string_view armed_by) {
  return internal::MakeLoopTimer(Library::kAsio, armed_by, false,
                                 "cancel it, or destroy its timer, when its work is over", "");
}

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

std::atomic<Wait> last = 0;
std::atomic<bool> used = false;

}  // namespace

[[gnu::noinline]] Wait Begin(Clock clock, std::chrono::nanoseconds left) {
  const Wait wait = last.fetch_add(1, std::memory_order_relaxed) + 1;
  internal::Armed(TimerOf(clock), wait, left, AFTERLEAK_CALLER);
  return wait;
}

Wait Begin(Clock clock, std::chrono::nanoseconds left, const std::uintptr_t* code, int count) {
  const Wait wait = last.fetch_add(1, std::memory_order_relaxed) + 1;
  // A coroutine's code is where it begins; a call stack has addresses behind a call.
  std::array<std::uintptr_t, kMostCoroutines> frames{};
  for (int i = 0; i < count; ++i) frames[static_cast<std::size_t>(i)] = code[i] + 1;
  internal::Armed(TimerOf(clock), wait, left,
                  std::span(frames).first(static_cast<std::size_t>(count)));
  return wait;
}

void Fire(Wait wait) noexcept { internal::Fired(Library::kAsio, wait); }

void Stop(Wait wait) noexcept { internal::Stopped(Library::kAsio, wait); }

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
