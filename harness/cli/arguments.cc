#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <system_error>

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

// Decimal digits only: no sign, no blank, no 0x.
std::uint64_t WholeNumber(const char* flag, const std::string& text, std::uint64_t least,
                          std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || number < least || number > most)
    Refuse(fmt::format("{} {:?}: write a whole number from {} to {}", flag, text, least, most));
  return number;
}

// The instant of the first event, for a workload that has events.
std::optional<Duration> FirstEvent(const Workload& workload) {
  switch (workload.kind) {
    case Workload::Kind::kIdle:
      return std::nullopt;
    case Workload::Kind::kOnce:
      return workload.at;
    case Workload::Kind::kBusy:
      return Duration(std::chrono::seconds(1)) / workload.rate;
  }
  return std::nullopt;
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

void RefuseWhatNoLoopHas(const Arguments& arguments) {
  const auto refuse = [&](std::string_view flag, std::string_view why) {
    Refuse(fmt::format("{} cannot be --on {}: {}", flag, arguments.on, why));
  };
  if (arguments.clock != "virtual") refuse("--clock real", "its runs are in virtual time");
  if (arguments.timers != "go122")
    refuse("--timers go123", "an event loop keeps a timer until it fires or is stopped, as go122");
  if (arguments.seed != Arguments().seed) refuse("--seed", "nothing there is chosen at random");
  if (arguments.journal) refuse("--journal", "it has none");
  if (std::ranges::find(arguments.expect, "no-abandoned") != arguments.expect.end())
    refuse("--expect no-abandoned", "nobody can tell that there; nothing-left finds what is lost");
}

// SITE or SITE=N.
void Allow(const std::string& text, Allowance& allowance) {
  const std::size_t equals = text.rfind('=');
  const std::string site = text.substr(0, equals);
  if (site.empty())
    Refuse(fmt::format("--allow {:?} names no site; write server.cc:42, or server.cc:42=3", text));
  if (equals == std::string::npos) {
    allowance.At(site);
  } else {
    const auto count = WholeNumber(fmt::format("--allow {}:", text).c_str(),
                                   text.substr(equals + 1), 0, INT64_MAX);
    allowance.At(site, static_cast<std::int64_t>(count));
  }
}

}  // namespace

Allowance AllowanceOf(const std::vector<std::string>& sites,
                      const std::optional<std::string>& file) {
  Allowance allowance;
  try {
    if (file) allowance = Allowance::FromFile(*file);
  } catch (const std::exception& error) {
    Refuse(fmt::format("--allow-file {}", error.what()));
  }
  for (const std::string& text : sites) Allow(text, allowance);
  return allowance;
}

bool Expectation::Asks(Leak kind) const { return std::ranges::find(none, kind) != none.end(); }

const Finding* Expectation::Broken(const Timeline& timeline) const {
  for (const Finding& finding : timeline.findings) {
    if (Asks(finding.leak)) return &finding;
  }
  return nullptr;
}

Expectation ExpectationOf(const Arguments& arguments) {
  Expectation expected;
  for (const std::string& word : arguments.expect) {
    expected.words += (expected.words.empty() ? "" : ",") + word;
    if (word == "leak") expected.leak = true;
    if (word == "bounded" || word == "no-abandoned") expected.none.push_back(Leak::kAbandoned);
    if (word == "bounded" || word == "not-growing") expected.none.push_back(Leak::kGrowing);
    if (word == "nothing-left" || (word == "bounded" && !arguments.on.empty()))
      expected.none.push_back(Leak::kLeftBehind);
  }
  if (expected.leak && !expected.none.empty())
    Refuse(fmt::format("--expect {}: leak and the others exclude each other", expected.words));
  return expected;
}

std::vector<const Pattern*> PatternsOn(const std::string& loop) {
  std::vector<const Pattern*> patterns;
  for (const Pattern& pattern : pairs::All()) {
    if (loop.empty() || std::ranges::find(pattern.loops, loop) != pattern.loops.end())
      patterns.push_back(&pattern);
  }
  return patterns;
}

const Pattern& FindPattern(const Arguments& arguments) {
  std::string names;
  for (const Pattern* const pattern : PatternsOn(arguments.on)) {
    if (pattern->name == arguments.pattern) return *pattern;
    names += (names.empty() ? "" : ", ") + pattern->name;
  }
  Refuse(fmt::format("unknown pattern \"{}\"{}; there are: {}", arguments.pattern,
                     arguments.on.empty() ? "" : " --on " + arguments.on, names));
}

RunOptions Understand(const Pattern& pattern, const Arguments& arguments) {
  if (!arguments.on.empty()) RefuseWhatNoLoopHas(arguments);
  constexpr std::int64_t kMaxSamples = 1'000'000;
  // The delays of the pairs are seconds, and event loops count milliseconds.
  const std::uint64_t max_tempo = arguments.on.empty() ? 1'000'000 : 3'000;
  RunOptions options;
  options.variant = arguments.variant == "leaky" ? Variant::kLeaky : Variant::kFixed;
  options.bubble.clock = arguments.clock == "virtual" ? ClockKind::kVirtual : ClockKind::kReal;
  options.bubble.timers = arguments.timers == "go122" ? TimerMode::kGo122 : TimerMode::kGo123;
  options.bubble.seed = WholeNumber("--seed", arguments.seed, 0, UINT64_MAX);
  options.bubble.journal = arguments.journal;
  options.tempo = static_cast<std::int64_t>(WholeNumber("--tempo", arguments.tempo, 1, max_tempo));
  options.length = PositiveDuration("--for", arguments.length);
  options.allowed = AllowanceOf(arguments.allow, arguments.allow_file);
  options.ask_left_behind = ExpectationOf(arguments).Asks(Leak::kLeftBehind);

  options.workload = WorkloadFor(pattern, arguments.workload);
  if (const auto first = FirstEvent(options.workload); first && *first > options.length) {
    Refuse(
        fmt::format("--workload {}{}: the first {} would come at {}, and the run is over at {}; "
                    "take an earlier one, or a longer --for",
                    options.workload.ToString(), arguments.workload ? "" : " (the usual one)",
                    pattern.event, FormatDuration(*first), arguments.length));
  }

  options.sample = arguments.sample ? PositiveDuration("--sample", *arguments.sample)
                                    : std::min(options.sample, options.length);
  if (options.sample > options.length) {
    Refuse(fmt::format("--sample {} is longer than the run of {}; take at most that",
                       *arguments.sample, arguments.length));
  }
  if (options.length / options.sample > kMaxSamples) {
    Refuse(fmt::format("--sample {} gives more than {} samples in {}; take a longer interval",
                       FormatDuration(options.sample), kMaxSamples, arguments.length));
  }
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

bool Files::TakeStdout() const {
  return std::ranges::any_of(std::array{&csv, &json, &sarif},
                             [](const auto* file) { return *file && (*file)->IsStdout(); });
}

void Open(const Arguments& arguments, Files* files) {
  if (arguments.csv) files->csv.emplace("--csv", *arguments.csv);
  if (arguments.json) files->json.emplace("--json", *arguments.json);
  if (arguments.sarif) files->sarif.emplace("--sarif", *arguments.sarif);
  const std::array all{&files->csv, &files->json, &files->sarif};
  for (const auto* one = all.begin(); one != all.end(); ++one) {
    for (const auto* other = one + 1; other != all.end(); ++other) {
      if (**one && **other) (**one)->RefuseSame(***other);
    }
  }
  if (!files->TakeStdout()) return;
  if (arguments.plot)
    Refuse("--plot draws on standard output, which is for the data now; name a file for them");
  if (arguments.format == "github")
    Refuse(
        "--format github needs standard output, which is for the data now; name a file for them");
}

std::filesystem::path FolderOf(const Arguments& arguments) {
  if (arguments.out.empty()) Refuse("--out \"\" names no folder; . is the current one");
  std::error_code ignored;
  if (std::filesystem::exists(arguments.out, ignored) &&
      !std::filesystem::is_directory(arguments.out, ignored))
    Refuse(fmt::format("--out {} is no folder; name one", arguments.out));
  return arguments.out;
}

}  // namespace cli
