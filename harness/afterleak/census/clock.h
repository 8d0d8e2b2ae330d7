// Instants and spans of time, and the clocks that they are read from.
//
// A bubble has one clock, real or virtual. Both count nanoseconds from their start, so a
// timeline begins at 0 whichever clock it ran on. All arithmetic on deadlines saturates: a timer
// with the largest duration never fires and one with the smallest is due at once, as in Go
// (`when` in runtime/time.go).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "afterleak/version.h"

namespace afterleak {

// Go's time.Duration: a count of nanoseconds in 64 bits, about 292 years in either direction.
using Duration = std::chrono::nanoseconds;

// Gives a bubble's time line a type, so that its instants cannot be mixed up with those of
// the system clocks.
struct BubbleClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BubbleClock, Duration>;
  static constexpr bool is_steady = true;
};

// An instant: nanoseconds since the bubble's clock started.
using Time = BubbleClock::time_point;

// Which clock a bubble uses.
enum class ClockKind : std::uint8_t {
  kVirtual,  // moves only when every goroutine is blocked, and then straight to what is due next
  kReal,     // the machine's steady clock
};

// The instant `delay` after `now`. A negative delay counts as zero, and a sum that is too large is
// Time::max(), which means "never".
constexpr Time SaturatingAdd(Time now, Duration delay) {
  if (delay <= Duration::zero()) return now;
  if (now.time_since_epoch() > Duration::max() - delay) return Time::max();
  return now + delay;
}

// Nanoseconds on the machine's steady clock since this process first asked. Thread-safe; takes
// about 20 ns.
Time RealNow();

// The same instant on the standard steady clock, to wait for; "never" stays never.
std::chrono::steady_clock::time_point ToSteady(Time instant);

}  // namespace afterleak
