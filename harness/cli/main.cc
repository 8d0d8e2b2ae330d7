// The program afterleak: runs the pairs and says what their timers do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "afterleak/afterleak.h"
#include "afterleak/atomic_file.h"
#include "afterleak/duration.h"
#include "afterleak/timeline.h"
#include "cli/reproduce.h"
#include "cli/show.h"
#include "pairs/pairs.h"

namespace {

using namespace afterleak;

constexpr int kAsExpected = 0;
constexpr int kNotAsExpected = 1;
constexpr int kBadInput = 2;
constexpr int kInterrupted = 130;

// What the command line says, before it is understood.
struct Arguments {
  std::string pattern;
  std::string variant = "leaky";
  std::optional<std::string> workload;
  std::string length = "60s";
  std::string clock = "virtual";
  std::string timers = "go122";
  std::string sample = "1s";
  std::uint64_t seed = 1;
  std::int64_t tempo = 1;
  std::string csv;
  std::string json;
  bool plot = false;
  std::string expect;
  std::string out;
};

[[noreturn]] void Refuse(const std::string& line) { throw std::invalid_argument(line); }

// Ctrl-C asks for an end in good order; a second one ends the process as always.
class InterruptWatch {
 public:
  InterruptWatch() : interrupts_(MakeChan<os::Signal>(1)), over_(MakeChan<Unit>()) {
    signal::Notify(interrupts_, {SIGINT});
    Go([stop = stop_, interrupts = interrupts_, over = over_]() mutable {
      if (Select({Recv(interrupts), Recv(over)}) == 0) stop.request_stop();
      signal::Stop(interrupts);
    });
  }
  ~InterruptWatch() { over_.Close(); }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  Chan<os::Signal> interrupts_;
  Chan<Unit> over_;
};

const Pattern& FindPattern(const std::string& name) {
  std::string names;
  for (const Pattern& pattern : pairs::All()) {
    if (pattern.name == name) return pattern;
    names += (names.empty() ? "" : ", ") + pattern.name;
  }
  Refuse(fmt::format("unknown pattern \"{}\"; there are: {}", name, names));
}

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
  return options;
}

int List() {
  for (const Pattern& pattern : pairs::All()) {
    std::string workloads;
    for (const Workload& workload : pattern.workloads)
      workloads += (workloads.empty() ? "" : ", ") + workload.ToString();
    fmt::print("{:<22}{}\n{:<22}workloads that show it: {}\n", pattern.name, pattern.summary, "",
               workloads);
  }
  return kAsExpected;
}

int RunOne(const Arguments& arguments) {
  const Pattern& pattern = FindPattern(arguments.pattern);
  const RunOptions options = Understand(pattern, arguments);
  // Opened first: a path that cannot be written is said before a long run, not after.
  std::optional<AtomicFile> csv;
  std::optional<AtomicFile> json;
  if (!arguments.csv.empty()) csv.emplace(arguments.csv);
  if (!arguments.json.empty()) json.emplace(arguments.json);

  const InterruptWatch interrupt;
  const Timeline timeline = RunPattern(pattern, options, interrupt.token());
  if (timeline.interrupted) {
    fmt::print("\ninterrupted\n{}", ToString(timeline.report));
    return kInterrupted;
  }
  fmt::print("{}", cli::ShowRun(timeline));
  if (arguments.plot)
    fmt::print("\n{}", cli::ShowPlot({timeline}, cli::UseColor(), cli::UseUnicode()));
  std::fflush(stdout);
  if (csv) {
    csv->Write(ToCsv(timeline));
    csv->Commit();
  }
  if (json) {
    json->Write(ToJson(timeline));
    json->Commit();
  }
  if (arguments.expect.empty()) return kAsExpected;
  const bool leaks = Judge(timeline).verdict == Verdict::kLeak;
  if (leaks == (arguments.expect == "leak")) return kAsExpected;
  fmt::print(stderr, "afterleak: expected {}, found {}: {}\n", arguments.expect,
             leaks ? "a leak" : "it bounded", Judge(timeline).why);
  return kNotAsExpected;
}

int Compare(Arguments arguments) {
  const Pattern& pattern = FindPattern(arguments.pattern);
  const InterruptWatch interrupt;
  std::vector<Timeline> both;
  for (const char* variant : {"leaky", "fixed"}) {
    arguments.variant = variant;
    both.push_back(RunPattern(pattern, Understand(pattern, arguments), interrupt.token()));
    if (both.back().interrupted) {
      fmt::print("\ninterrupted ({} side)\n{}", variant, ToString(both.back().report));
      return kInterrupted;
    }
  }
  fmt::print("{}\n{}", cli::ShowComparison(both[0], both[1]),
             cli::ShowPlot(both, cli::UseColor(), cli::UseUnicode()));
  const bool told_apart =
      Judge(both[0]).verdict == Verdict::kLeak && Judge(both[1]).verdict == Verdict::kBounded;
  return told_apart || arguments.timers == "go123" ? kAsExpected : kNotAsExpected;
}

void AddRunFlags(CLI::App& command, Arguments& arguments) {
  command.add_option("PATTERN", arguments.pattern, "a name from `afterleak list`")
      ->required()
      ->option_text(" ");
  command
      .add_option("--workload", arguments.workload,
                  "idle, message@1s or signal@1s (one, then),\n"
                  "busy:1000/s; if not given, the usual one")
      ->option_text("WORKLOAD");
  command.add_option("--for", arguments.length, "how long (60s); as Go writes it: 250ms, 1m30s")
      ->option_text("DURATION");
  command.add_option("--clock", arguments.clock, "virtual (takes no time; the default) or real")
      ->check(CLI::IsMember({"virtual", "real"}))
      ->option_text("CLOCK");
  command
      .add_option("--timers", arguments.timers,
                  "go122 (kept until they fire or are stopped;\n"
                  "the default) or go123 (collected)")
      ->check(CLI::IsMember({"go122", "go123"}))
      ->option_text("MODE");
  command.add_option("--sample", arguments.sample, "the time between two samples (1s)")
      ->option_text("DURATION");
  command.add_option("--tempo", arguments.tempo, "divide the delays of the pattern by this (1)")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  command.add_option("--seed", arguments.seed, "of the choice among ready cases (1)")
      ->check(CLI::NonNegativeNumber)
      ->option_text("N");
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Runs pairs of leaky and fixed programs, and tells which of their timers nobody can hear any "
      "more.",
      "afterleak");
  app.require_subcommand(1);
  app.footer(
      "Begin with:\n"
      "  afterleak list\n"
      "  afterleak compare looping_select\n"
      "  afterleak run looping_select --variant leaky --workload busy:1000/s --plot\n\n"
      "Exit code: 0 it ran and what was expected held; 1 it did not hold; 2 bad input.");
  Arguments arguments;
  app.add_subcommand("list", "the patterns, and the workloads that show what they do");
  CLI::App& run =
      *app.add_subcommand("run", "one side of a pattern: samples, a census by line, a verdict");
  CLI::App& compare =
      *app.add_subcommand("compare", "both sides of a pattern: one table, one plot");
  CLI::App& reproduce =
      *app.add_subcommand("reproduce", "every pattern, and the files of results/");
  AddRunFlags(run, arguments);
  run.add_option("--variant", arguments.variant, "leaky (the default) or fixed")
      ->check(CLI::IsMember({"leaky", "fixed"}))
      ->option_text("SIDE");
  run.add_option("--csv", arguments.csv, "write the samples to this file")->option_text("FILE");
  run.add_option("--json", arguments.json, "write everything to this file")->option_text("FILE");
  run.add_flag("--plot", arguments.plot, "draw live timers over time");
  run.add_option("--expect", arguments.expect, "bounded or leak: exit with 1 if it is not so")
      ->check(CLI::IsMember({"bounded", "leak"}))
      ->option_text("VERDICT");
  run.footer(
      "For example:\n"
      "  afterleak run looping_select --variant leaky --for 5m --plot\n"
      "  afterleak run early_return --variant fixed --expect bounded\n");
  AddRunFlags(compare, arguments);
  reproduce.add_option("--out", arguments.out, "the folder to write to")->required();

  if (argc > 1 && argv[1][0] != '-') {
    const std::vector<CLI::App*> same =
        app.get_subcommands([&](CLI::App* command) { return command->get_name() == argv[1]; });
    if (same.empty())
      Refuse(
          fmt::format("unknown command \"{}\"; there are: list, run, compare, reproduce", argv[1]));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "afterleak: {}; see afterleak --help\n", error.what());
    return kBadInput;
  }

  if (run.parsed()) return RunOne(arguments);
  if (compare.parsed()) return Compare(arguments);
  if (reproduce.parsed()) {
    const InterruptWatch interrupt;
    return cli::Reproduce(arguments.out, interrupt.token());
  }
  return List();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int exit_code = Main(argc, argv);
    if (std::fflush(stdout) != 0)
      throw std::runtime_error("standard output cannot be written; is the disk full?");
    return exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "afterleak: {}\n", error.what());
    return kBadInput;
  }
}
