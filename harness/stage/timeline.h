// Timeline: the settled samples of one run of a pattern, and what the judge finds in it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"
#include "afterleak/heap/heap.h"
#include "stage/pattern.h"
#include "stage/workload.h"

namespace afterleak {

// What the judge sees of a run: equal windows, of which the first ones are the warm-up.
inline constexpr int kWindows = 10;
inline constexpr int kWarmUp = 2;

struct RunOptions {
  Variant variant = Variant::kLeaky;
  Workload workload{};
  Duration length = std::chrono::seconds(60);
  Duration sample = std::chrono::seconds(1);
  std::int64_t tempo = 1;  // all delays of the pattern are divided by it
  Bubble::Options bubble{};
  std::vector<Duration> checkpoints{};  // when to tell the heap tool (probe.h)
  Allowance allowed{};                  // what is meant to stay
  bool ask_left_behind = false;         // also end the load at `length`, and see what is left
};

struct Sample {
  Duration at{};
  CensusTotals census{};
  // Of what the pattern's code has allocated since the start; all 0 if heap::Counting() is false.
  heap::Usage heap{};
  std::vector<GoroutineReport> goroutines{};  // with bubble.journal
};

struct Timeline {
  std::string pattern;
  std::string on{};  // the event loop that it ran on; empty: the run-time of this library
  RunOptions options;
  std::vector<Sample> samples{};  // at 0, and every options.sample until options.length
  CensusReport report{};          // at the end, or where it was interrupted
  bool interrupted = false;
  // Abandoned, growing and, if that was asked, left behind; the worst of each kind first.
  std::vector<Finding> findings{};
  std::vector<TimerLife> lives{};  // if options.bubble.journal
};

// Puts the pattern on stage in a new bubble and samples it. Ends early when `stop` is requested.
// Throws what the pattern throws.
Timeline RunPattern(const Pattern& pattern, const RunOptions& options,
                    const std::stop_token& stop = {});

// The same in the caller's bubble, which must be new and made with options.bubble. What the pattern
// leaves behind lives as long as the bubble.
Timeline RunPattern(const Pattern& pattern, const RunOptions& options, Bubble& bubble,
                    const std::stop_token& stop = {});

// Whether the judge found anything. A run that was interrupted may have leaked later.
inline bool Leaks(const Timeline& timeline) { return !timeline.findings.empty(); }

// One line, from the exact counters of the timers: "nobody can hear 9 of at most 11 live timers".
std::string InShort(const Finding& finding, const CensusTotals& timers);

// The same of the first finding; or, if there is none, "never more than 2 live, none abandoned". On
// an event loop nothing is abandoned, and the peak is that of the samples.
std::string Conclusion(const Timeline& timeline);

// A heading, and one line per sample.
std::string ToCsv(const Timeline& timeline);

// Everything: options, samples, the census by line, and the findings. If a run was interrupted
// before it was seen to leak, its verdict is null. afterleak-run.schema.json describes it; what is
// not added to but changed there gets another schema_version.
std::string ToJson(const Timeline& timeline);

// Both sides of a pattern, under "leaky" and "fixed".
std::string ToJson(const Timeline& leaky, const Timeline& fixed);

}  // namespace afterleak
