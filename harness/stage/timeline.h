// Timeline: the settled samples of one run of a pattern, and the conclusion from them.
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
  std::vector<Duration> checkpoints{};  // when to tell the heap tool (probe.h)
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
  RunOptions options;
  std::vector<Sample> samples{};  // at 0, and every options.sample until options.length
  CensusReport report{};          // at the end, or where it was interrupted
  bool interrupted = false;
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

enum class Verdict : std::uint8_t { kBounded, kLeak };

struct Judgement {
  Verdict verdict = Verdict::kBounded;
  std::string why;  // one line
};

// A leak: a timer was abandoned at some settled sample; or more timers were live at some sample of
// the second half of the run than at any of the first half, so that nothing bounds them (rooted
// timers, such as registrations, are never abandoned). The second sign needs a run that is long
// compared with the delays in it.
Judgement Judge(const Timeline& timeline);

// A heading, and one line per sample.
std::string ToCsv(const Timeline& timeline);

// Everything: options, samples, the census by line, and the judgement. If a run was interrupted
// before it was seen to leak, its verdict is null.
std::string ToJson(const Timeline& timeline);

}  // namespace afterleak
