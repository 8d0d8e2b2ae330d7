// Timeline: the settled samples of one run of a pattern, and what they amount to.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/census.h"
#include "afterleak/heap/heap.h"
#include "stage/pattern.h"
#include "stage/workload.h"

namespace afterleak {

struct RunOptions {
  Variant variant = Variant::kLeaky;
  Workload workload{};
  Duration length = std::chrono::seconds(60);
  Duration sample = std::chrono::seconds(1);
  std::int64_t tempo = 1;  // all delays of the pattern are divided by it
  Bubble::Options bubble{};
  std::vector<Duration> checkpoints{};  // when a heap tool is told of it (probe.h)
};

struct Sample {
  Duration at{};
  CensusTotals census{};
  heap::Usage heap{};  // of what the pattern's code allocated since the start; all 0 where
                       // heap::Counting() is false
  std::vector<GoroutineReport> goroutines{};  // with bubble.journal
};

struct Timeline {
  std::string pattern;
  RunOptions options;
  std::vector<Sample> samples{};  // at 0, and every options.sample until options.length
  CensusReport report{};          // at the end, or where it was interrupted
  bool interrupted = false;
  std::vector<TimerLife> lives{};  // with options.bubble.journal
};

// Puts the pattern on the stage of a bubble of its own and samples it. Ends early when `stop` is
// requested. Throws what the pattern throws.
Timeline RunPattern(const Pattern& pattern, const RunOptions& options,
                    const std::stop_token& stop = {});

// The same in a bubble of the caller's, which is new and was made with options.bubble. What the
// pattern leaves behind is there as long as the bubble.
Timeline RunPattern(const Pattern& pattern, const RunOptions& options, Bubble& bubble,
                    const std::stop_token& stop = {});

enum class Verdict : std::uint8_t { kBounded, kLeak };

struct Judgement {
  Verdict verdict = Verdict::kBounded;
  std::string why;  // one line
};

// A leak: at some settled sample a timer was abandoned; or more were live at some sample of the
// second half of the run than at any of the first, so that nothing bounds them (rooted timers, such
// as registrations, are never abandoned). The second sign needs a run that is long against the
// delays in it.
Judgement Judge(const Timeline& timeline);

// A line per sample, and a heading.
std::string ToCsv(const Timeline& timeline);

// All of it: options, samples, the census by line, and the judgement. The verdict of a run that was
// interrupted before it was seen to leak is null.
std::string ToJson(const Timeline& timeline);

}  // namespace afterleak
