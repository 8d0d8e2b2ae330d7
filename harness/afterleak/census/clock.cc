#include "afterleak/census/clock.h"

#include <algorithm>

namespace afterleak {
namespace {

std::chrono::steady_clock::time_point RealEpoch() {
  static const auto epoch = std::chrono::steady_clock::now();
  return epoch;
}

}  // namespace

Time RealNow() {
  const auto epoch = RealEpoch();  // before now(), so that the first answer is not negative
  return Time(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - epoch));
}

std::chrono::steady_clock::time_point ToSteady(Time instant) {
  // A century is as good as never, and its sum with the epoch is far from overflow.
  constexpr Duration kNever = std::chrono::hours(24 * 365 * 100);
  return RealEpoch() + std::min(instant.time_since_epoch(), kNever);
}

}  // namespace afterleak
