// What the program prints: tables and plots of timelines, for a terminal of 80 columns.
#pragma once

#include <string>
#include <vector>

#include "stage/timeline.h"

namespace cli {

// Colour where stdout is a terminal and NO_COLOR is unset; Unicode where the locale is UTF-8, or
// unknown.
bool UseColor();
bool UseUnicode();

// One run: what it was, its samples (a dozen at most), its census by line, and the verdict.
std::string ShowRun(const afterleak::Timeline& timeline);

// Both sides of one pattern, sample by sample.
std::string ShowComparison(const afterleak::Timeline& leaky, const afterleak::Timeline& fixed);

// A line for each run.
std::string ShowSummary(const std::vector<afterleak::Timeline>& timelines);

// Live timers over time, one curve for each run.
std::string ShowPlot(const std::vector<afterleak::Timeline>& timelines, bool color, bool unicode);

}  // namespace cli
