// Workload: what happens to a pattern while it runs.
//
// Written as idle, message@1s (one message at that instant; signal@1s for a pattern that waits for
// signals), or busy:1000/s (that many messages or signals a second, without end; the first comes
// after the first interval).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/clock.h"

namespace afterleak {

struct Workload {
  enum class Kind : std::uint8_t { kIdle, kOnce, kBusy };
  static constexpr std::int64_t kMaxRate = 1'000'000;

  Kind kind = Kind::kIdle;
  std::string event;      // kOnce: what happens, "message" or "signal"
  Duration at{};          // kOnce: when
  std::int64_t rate = 0;  // kBusy: how often a second

  // The notation described above.
  std::string ToString() const;
};

// Reads what ToString writes. Throws std::invalid_argument with one line that says what is wrong
// and what would be right.
Workload ParseWorkload(std::string_view text);

// The instant of event `k`, counted from 1, at `rate` a second: exact, so no error accumulates.
Time InstantOf(std::int64_t k, std::int64_t rate);

// Makes `event` happen in the bubble as the workload says, until `end`. Then `over` runs.
void Schedule(Bubble& bubble, const Workload& workload, std::function<void()> event,
              Time end = Time::max(), std::function<void()> over = {});

}  // namespace afterleak
