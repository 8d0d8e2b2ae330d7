// For the tests of pairs: one side of a pattern, on the stage and ready to be stepped through.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pairs/pairs.h"
#include "stage/timeline.h"

namespace pairs {

inline const afterleak::Pattern& Find(std::string_view name) {
  const auto& all = All();
  const auto found = std::ranges::find(all, name, &afterleak::Pattern::name);
  if (found == all.end()) throw std::invalid_argument("no such pattern");
  return *found;
}

class Staged {
 public:
  Staged(std::string_view pattern, afterleak::Variant variant, std::string_view workload,
         afterleak::TimerMode timers = afterleak::TimerMode::kGo122)
      : bubble_({.timers = timers}) {
    Find(pattern).stage({bubble_, variant, afterleak::ParseWorkload(workload)});
  }

  // The settled census at an instant, which must not be before the last one requested.
  afterleak::CensusTotals At(afterleak::Duration instant) {
    bubble_.AdvanceTo(instant);
    const afterleak::CensusTotals totals = bubble_.Totals();
    if (!totals.Conserved()) throw std::logic_error("armed != fired + stopped + collected + live");
    return totals;
  }

  afterleak::Bubble& bubble() { return bubble_; }

 private:
  afterleak::Bubble bubble_;
};

// The most live timers at any sample of a run.
inline std::int64_t MostLive(const afterleak::Timeline& timeline) {
  std::int64_t most = 0;
  for (const afterleak::Sample& sample : timeline.samples)
    most = std::max(most, sample.census.live);
  return most;
}

}  // namespace pairs
