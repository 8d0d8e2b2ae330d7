#include "cli/arguments.h"

#include <fmt/format.h>

#include <stdexcept>

#include "afterleak/census/duration.h"
#include "pairs/pairs.h"

namespace cli {
namespace {

using namespace afterleak;

[[noreturn]] void Refuse(const std::string& line) { throw std::invalid_argument(line); }

Duration PositiveDuration(const char* flag, const std::string& text) {
  try {
    return ParsePositiveDuration(text);
  } catch (const std::invalid_argument& error) {
    Refuse(fmt::format("{} {}", flag, error.what()));
  }
}

Workload WorkloadFor(const Pattern& pattern, const std::optional<std::string>& text) {
  if (!text) return pattern.workloads.front();
  Workload workload;
  try {
    workload = ParseWorkload(*text);
  } catch (const std::invalid_argument& error) {
    Refuse(fmt::format("--workload {}", error.what()));
  }
  if (workload.kind == Workload::Kind::kOnce && workload.event != pattern.event) {
    Refuse(fmt::format("--workload {}: {} waits for a {}; write {}@{}", *text, pattern.name,
                       pattern.event, pattern.event, FormatDuration(workload.at)));
  }
  return workload;
}

}  // namespace

const Pattern& FindPattern(const std::string& name) {
  std::string names;
  for (const Pattern& pattern : pairs::All()) {
    if (pattern.name == name) return pattern;
    names += (names.empty() ? "" : ", ") + pattern.name;
  }
  Refuse(fmt::format("unknown pattern \"{}\"; there are: {}", name, names));
}

RunOptions Understand(const Pattern& pattern, const Arguments& arguments) {
  constexpr std::int64_t kMaxSamples = 1'000'000;
  RunOptions options;
  options.variant = arguments.variant == "leaky" ? Variant::kLeaky : Variant::kFixed;
  options.workload = WorkloadFor(pattern, arguments.workload);
  options.length = PositiveDuration("--for", arguments.length);
  options.sample = PositiveDuration("--sample", arguments.sample);
  if (options.length / options.sample > kMaxSamples) {
    Refuse(fmt::format("--sample {} gives more than {} samples in {}; take a longer interval",
                       arguments.sample, kMaxSamples, arguments.length));
  }
  options.bubble.clock = arguments.clock == "virtual" ? ClockKind::kVirtual : ClockKind::kReal;
  options.bubble.timers = arguments.timers == "go122" ? TimerMode::kGo122 : TimerMode::kGo123;
  options.bubble.seed = arguments.seed;
  options.tempo = arguments.tempo;
  options.bubble.journal = arguments.journal;
  for (const std::string& text : arguments.checkpoints) {
    try {
      options.checkpoints.push_back(ParseDuration(text));
    } catch (const std::invalid_argument& error) {
      Refuse(fmt::format("--checkpoints {}", error.what()));
    }
    if (options.checkpoints.back() < Duration::zero() ||
        options.checkpoints.back() > options.length)
      Refuse(fmt::format("--checkpoints {} is not in the run of {}; take instants from 0s to {}",
                         text, arguments.length, arguments.length));
  }
  return options;
}

}  // namespace cli
