// What the program prints: tables and plots of timelines, as wide as the terminal (terminal.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stage/timeline.h"

namespace cli {

// The text, with each line that is too wide broken between words; continuation lines are indented.
std::string Wrap(std::string_view text, int indent);

// One run: what it was, its samples (at most a dozen), its census by line, and the verdict.
std::string ShowRun(const afterleak::Timeline& timeline);

// Both sides of one pattern, sample by sample, and the remarks on each.
std::string ShowComparison(const afterleak::Timeline& leaky, const afterleak::Timeline& fixed);

// One line for each run.
std::string ShowSummary(const std::vector<afterleak::Timeline>& timelines);

// Live timers over time, one curve for each run.
std::string ShowPlot(const std::vector<afterleak::Timeline>& timelines);

}  // namespace cli
