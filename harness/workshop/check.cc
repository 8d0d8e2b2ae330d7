// The main program of each check:
//
//   check RESULT.json [--before RESULT.json] [--color] [--ascii]   the verdict, for the runner
//   check --load                                                   the load alone, for other tools
//
// The result is written to a file because the learner's code may print what it likes. Exit code: 0
// passed, 1 failed, 2 bad input. If there is no result, the program ended before its check did.
#include "workshop/check.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "afterleak/census/duration.h"
#include "stage/atomic_file.h"
#include "stage/plot.h"
#include "workshop/watchdog.h"

namespace workshop {
namespace {

struct Arguments {
  std::string result;
  std::string before;  // a result to plot alongside
  bool color = false;
  bool unicode = true;
  bool load_only = false;
};

// One run of the check program.
class Run {
 public:
  explicit Run(Arguments arguments) : arguments_(std::move(arguments)) {}
  int Main();

 private:
  void Judge();
  void RunParts(const std::vector<Part>& parts, TimerMode mode);
  void RunLoad(TimerMode mode);
  void JudgeLoad(const Load& load) const;
  void InBubble(TimerMode mode, const Part& part);
  void Fail(const std::string& id, const std::string& sentence);
  void Write();
  std::string Plot() const;

  const Arguments arguments_;
  Watchdog* watchdog_ = nullptr;
  std::optional<Load> measured_;  // with timers as in go122
  bool failed_ = false;
  nlohmann::ordered_json result_;
};

constexpr Resource kAll[] = {Resource::kTimer, Resource::kContext, Resource::kGoroutine};

// What was alive when the part in progress began: one part runs at a time.
Inventory part_began;

bool IsTimer(const Finding& finding) {
  return finding.kind != "goroutine" && !finding.kind.starts_with("context::WithCancel");
}

std::int64_t TimersIn(const std::vector<Finding>& findings) {
  std::int64_t count = 0;
  for (const Finding& finding : findings) count += IsTimer(finding) ? finding.count : 0;
  return count;
}

// Throws the Failure of the first finding, if any. `when`: "after 200 turns than after 20".
void RequireNone(const std::vector<Finding>& findings, const char* id, const std::string& when) {
  if (findings.empty()) return;
  const Finding& first = findings.front();
  const bool one = first.count == 1;
  const std::string what = first.kind == "goroutine" ? (one ? "goroutine" : "goroutines")
                                                     : fmt::format("of {}", first.kind);
  const std::string where = first.waits.empty() ? fmt::format("{}:{}", first.file, first.line)
                                                : fmt::format("waiting in {}", first.waits);
  throw Failure(id, fmt::format("{} {} more {} alive {}: {}.", first.count, what,
                                one ? "is" : "are", when, where));
}

// Long enough for any machine, short enough for a person.
int SecondsAllowed() {
  const char* seconds = std::getenv("AFTERLEAK_WORKSHOP_SECONDS");  // overridden by tests
  return seconds != nullptr ? std::max(std::atoi(seconds), 1) : 10;
}

// Learners' loops may print and allocate endlessly.
void LimitResources() {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit file_size{1 << 24, 1 << 24};
  setrlimit(RLIMIT_FSIZE, &file_size);
  const rlimit memory{std::uint64_t{4} << 30, std::uint64_t{4} << 30};
  setrlimit(RLIMIT_AS, &memory);
  const rlimit core{0, 0};
  setrlimit(RLIMIT_CORE, &core);
}

int Run::Main() {
  if (arguments_.load_only) {
    Load load;
    Bubble bubble;
    bubble.Go([&] { kExercise.load(load); });
    bubble.AdvanceTo(kLimit);
    return 0;
  }
  LimitResources();
  {
    Watchdog watchdog(SecondsAllowed(), [this](const std::string& id, const std::string& sentence) {
      Fail(id, sentence);
      Write();
    });
    watchdog_ = &watchdog;
    Judge();
  }
  Write();
  return failed_ ? 1 : 0;
}

// Asks in order. Whatever is wrong, it tries to measure the load for the plot.
void Run::Judge() {
  constexpr TimerMode kModes[] = {TimerMode::kGo122, TimerMode::kGo123};
  try {
    for (const TimerMode mode : kModes) RunParts(kExercise.behaviour, mode);
    for (const TimerMode mode : kModes) RunLoad(mode);
    for (const TimerMode mode : kModes) RunParts(kExercise.paths, mode);
  } catch (const Failure& failure) {
    Fail(failure.id(), failure.what());
  } catch (const afterleak::Stuck& stuck) {
    const std::string_view text = stuck.what();  // "time stands still at 3s: ..."
    Fail("hang", fmt::format("Virtual {}: the code runs on without ever blocking.",
                             text.substr(0, text.find(':'))));
  } catch (const std::exception& e) {
    Fail("crash", fmt::format("The code throws an exception: {}.", e.what()));
  } catch (...) {
    Fail("crash", "The code throws an exception that is no std::exception.");
  }
  if (measured_) return;
  try {
    RunLoad(TimerMode::kGo122);
  } catch (...) {  // it has already failed, for a better reason
  }
}

void Run::RunParts(const std::vector<Part>& parts, TimerMode mode) {
  for (const Part& part : parts) InBubble(mode, part);
}

void Run::RunLoad(TimerMode mode) {
  Load load;
  try {
    InBubble(mode, [&] { kExercise.load(load); });
  } catch (...) {
    if (mode == TimerMode::kGo122) measured_ = load;
    throw;
  }
  if (mode == TimerMode::kGo122) measured_ = load;
  JudgeLoad(load);
}

void Run::JudgeLoad(const Load& load) const {
  const CensusTotals& few = load.few().value().census;
  const CensusTotals& all = load.all().value().census;
  const char* things = kExercise.things;
  Require(load.abandoned().empty(), "leak.abandoned",
          fmt::format(
              "Nobody can hear {} of {} live {} after {} turns; after {} turns it was {} of {}.",
              all.abandoned, all.live, things, Load::kTurns, Load::kFew, few.abandoned, few.live));
  Require(
      !kExercise.bounded || all.live <= few.live, "leak.grows",
      fmt::format("{} {} are live after {} turns, and {} were after {} turns: they grow with the "
                  "work.",
                  all.live, things, Load::kTurns, few.live, Load::kFew));
  if (kExercise.bounded) {
    RequireNone(load.grown(), "leak.grows",
                fmt::format("after {} turns than after {}", Load::kTurns, Load::kFew));
  }
  Require(TimersIn(load.left()) == 0, "leak.left",
          fmt::format("When the work of a turn is over, as many as {} of its {} are still live.",
                      TimersIn(load.left()), things));
  RequireNone(load.left(), "leak.left", "when the work of a turn is over than before it");
}

void Run::InBubble(TimerMode mode, const Part& part) {
  bool done = false;
  Bubble bubble({.timers = mode});
  const Watchdog::Watch watch(*watchdog_, bubble);
  bubble.Go([&] {
    part_began = Bubble::Current().Alive();
    part();
    done = true;
  });
  bubble.AdvanceTo(kLimit);
  if (done) return;
  result_["goroutines"] = ToString(bubble.Goroutines());
  throw Failure("stuck",
                fmt::format("After {} of virtual time the code still waits, where it should "
                            "have returned long ago (timers as in {}).",
                            FormatDuration(kLimit), ToString(mode)));
}

// The first failure is the one that counts.
void Run::Fail(const std::string& id, const std::string& sentence) {
  if (std::exchange(failed_, true)) return;
  result_["id"] = id;
  result_["sentence"] = sentence;
}

std::string Run::Plot() const {
  std::vector<Series> series;
  std::ifstream before(arguments_.before);
  if (before) {
    series.emplace_back("as shipped");
    for (const auto& [at, live] :
         nlohmann::json::parse(before)["points"].get<std::vector<std::array<std::int64_t, 2>>>()) {
      series.back().points.emplace_back(Duration(at), live);
    }
  }
  series.push_back({before ? "yours" : kExercise.things, {}});
  for (const Load::Sample& sample : measured_->samples()) {
    series.back().points.emplace_back(sample.at, sample.census.live);
  }
  return TerminalPlot({.title = fmt::format("live {} over virtual time", kExercise.things),
                       .height = 8,
                       .color = arguments_.color,
                       .unicode = arguments_.unicode},
                      series);
}

void Run::Write() {
  result_["passed"] = !failed_;
  if (measured_ && !measured_->samples().empty()) {
    auto& points = result_["points"] = nlohmann::json::array();
    for (const Load::Sample& sample : measured_->samples()) {
      points.push_back({sample.at.count(), sample.census.live});
    }
    if (measured_->all()) {
      const CensusTotals& t = measured_->all()->census;
      result_["totals"] = {{"turns", Load::kTurns},
                           {"live", t.live},
                           {"abandoned", t.abandoned},
                           {"peak live", t.peak_live},
                           {"armed", t.armed},
                           {"fired", t.fired},
                           {"fired unheard", t.fired_unheard},
                           {"stopped", t.stopped},
                           {"byte-seconds lost", static_cast<std::int64_t>(t.byte_seconds_lost)}};
      result_["census"] = ToString(measured_->report());
    }
    result_["plot"] = Plot();
  }
  AtomicFile file(arguments_.result);
  file.stream() << result_.dump(1) << '\n';
  file.Commit();
}

}  // namespace

void Require(bool holds, const char* id, const std::string& sentence) {
  if (!holds) throw Failure(id, sentence);
}

void RequireNothingLeft(const char* id, const std::string& sentence) {
  const std::vector<Finding> left = JudgeLeftBehind(part_began, Bubble::Current().Alive());
  Require(TimersIn(left) == 0, id, sentence);
  RequireNone(left, id, "when the work is over than before it");
}

void Load::Look() {
  Wait();
  if (samples_.empty()) before_ = Bubble::Current().Alive();
  samples_.push_back({time::Now().time_since_epoch(), Bubble::Current().Totals()});
}

void Load::Turn() {
  Look();
  ++turns_;
  if (turns_ == kFew) {
    few_ = samples_.back();
    after_few_ = Bubble::Current().Alive();
  }
  if (turns_ != kTurns) return;
  all_ = samples_.back();
  report_ = Bubble::Current().Report();
  grown_ = JudgeLeftBehind(after_few_, Bubble::Current().Alive());
  for (const Resource resource : kAll)
    std::ranges::move(JudgeAbandoned(Bubble::Current().Report(resource)),
                      std::back_inserter(abandoned_));
}

void Load::Returned() {
  Turn();
  std::vector<Finding> left = JudgeLeftBehind(before_, Bubble::Current().Alive());
  if (TimersIn(left) > TimersIn(left_) || left_.empty()) left_ = std::move(left);
}

}  // namespace workshop

int main(int argc, char** argv) {
  workshop::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--load") {
      arguments.load_only = true;
    } else if (argument == "--color") {
      arguments.color = true;
    } else if (argument == "--ascii") {
      arguments.unicode = false;
    } else if (argument == "--before" && i + 1 < argc) {
      arguments.before = argv[++i];
    } else if (arguments.result.empty() && !argument.starts_with('-')) {
      arguments.result = argument;
    } else {
      std::fprintf(stderr, "check: unexpected %s; scripts/workshop check runs this\n", argv[i]);
      return 2;
    }
  }
  if (arguments.result.empty() && !arguments.load_only) {
    std::fputs("check: no file for the result; scripts/workshop check runs this\n", stderr);
    return 2;
  }
  try {
    return workshop::Run(std::move(arguments)).Main();
  } catch (const afterleak::FileError& error) {
    std::fprintf(stderr, "check: %s\n", error.what());
    return 2;
  }
}
