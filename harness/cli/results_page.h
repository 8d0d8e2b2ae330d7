// results/README.md: the page that a reader of results/ lands on.
#pragma once

#include <string>
#include <vector>

#include "stage/pattern.h"
#include "stage/timeline.h"

namespace cli {

// What was run of one pattern.
struct Study {
  const afterleak::Pattern* pattern = nullptr;
  // For each workload: leaky and fixed with timers as in go122, then both with those of go123.
  std::vector<afterleak::Timeline> runs{};
  // On Pattern::gentle, with a journal: leaky and fixed.
  std::vector<afterleak::Timeline> gentle{};
};

// PATTERN.WORKLOAD, as file names about it begin; harness/report/runs.py has the same.
std::string Stem(const afterleak::Timeline& run);

// Stem, side and mode.
std::string TimelineFile(const afterleak::Timeline& run);

// In Markdown. Links to the files that scripts/reproduce writes beside it.
std::string ResultsPage(const std::vector<Study>& studies);

}  // namespace cli
