// Instants and spans of time, and the clocks they are read from.
//
// A bubble has one clock: real, or virtual. Both count nanoseconds from
// their own start, so that a timeline begins at 0 whichever clock it ran on. All arithmetic on
// deadlines saturates: a timer of the largest duration never fires and one of the smallest is due
// at once, as in Go (`when` in runtime/time.go).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "afterleak/version.h"

namespace afterleak {

// Go's time.Duration: a count of nanoseconds in 64 bits, about 292 years either way.
using Duration = std::chrono::nanoseconds;

// Names the time line of a bubble, so that an instant of it cannot be mixed up with one of the
// system's clocks.
struct BubbleClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BubbleClock, Duration>;
  static constexpr bool is_steady = true;
};

// An instant: nanoseconds since the bubble's clock started.
using Time = BubbleClock::time_point;

// Which clock a bubble lives on.
enum class ClockKind : std::uint8_t {
  kVirtual,  // moves only when every goroutine is blocked, and then straight to what is due next
  kReal,     // the machine's steady clock
};

// The instant `delay` after `now`; a delay below zero counts as zero, and a sum too large is
// Time::max(), "never".
constexpr Time SaturatingAdd(Time now, Duration delay) {
  if (delay <= Duration::zero()) return now;
  if (now.time_since_epoch() > Duration::max() - delay) return Time::max();
  return now + delay;
}

// Nanoseconds of the machine's steady clock since this process first asked. Thread-safe; about 20
// ns.
Time RealNow();

// The same instant on the standard steady clock, for waiting until it; "never" stays never.
std::chrono::steady_clock::time_point ToSteady(Time instant);

}  // namespace afterleak
