// The C library's times, as those of a bubble.
#pragma once

#include <sys/time.h>
#include <time.h>

#include "afterleak/census/clock.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {

// What a clock shows when a bubble begins.
struct ClockStart {
  bool is_virtual;  // not for clocks of CPU time
  Duration at;
};

inline ClockStart StartOf(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
      return {true, kWallStart};
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      return {true, kMonotonicStart};
    default:
      return {false, {}};
  }
}

inline bool IsValid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
}

// What is too large is as large as possible.
inline Duration ToDuration(const timespec& time) {
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::seconds>(Duration::max()).count();
  if (time.tv_sec >= kMost) return Duration::max();
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

inline timespec ToTimespec(Duration duration) {
  const auto count = duration.count();
  return {.tv_sec = count / 1'000'000'000, .tv_nsec = count % 1'000'000'000};
}

// An absolute time of the wall clock or the monotonic one, where the function does not say which:
// one shows a date of the 21st century, and the other the first years after 1970.
inline Time ToTime(const timespec& time) {
  const Duration since = ToDuration(time);
  if (since == Duration::max()) return Time::max();
  return Time(since - (since < kWallStart / 2 ? kMonotonicStart : kWallStart));
}

}  // namespace afterleak::loops::internal
