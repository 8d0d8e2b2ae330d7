// The main program of each check:
//
//   check RESULT.json [--before RESULT.json] [--color] [--ascii]   the verdict, for the runner
//   check --load                                                   the load alone, for other tools
//
// The result is written to a file because the learner's code may print what it likes. Exit code: 0
// passed, 1 failed, 2 bad input. If there is no result, the program ended before its check did.
#include "workshop/check.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "afterleak/census/duration.h"
#include "stage/atomic_file.h"
#include "stage/plot.h"
#include "workshop/parts.h"
#include "workshop/watchdog.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" {  // of sanitizer/allocator_interface.h, which GCC does not bring
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* block);
}
#endif

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
  void JudgeInPlace();
  void RunParts(const std::vector<Part>& parts, const Bubble::Options& options);
  void RunLoad(TimerMode mode);
  void InBubble(const Bubble::Options& options, const Part& part);
  void InPlace(const Part& part);
  void Fail(const std::exception_ptr& thrown);
  void Fail(const std::string& id, const std::string& sentence);
  void Write();
  std::string Plot() const;

  const Arguments arguments_;
  Watchdog* watchdog_ = nullptr;
  std::optional<Load> measured_;  // with timers as in go122
  // Of the first part that left anything; what is wrong with another part says more.
  std::optional<Failure> left_;
  std::string waiting_;  // the goroutines, if it is a call that was left
  bool failed_ = false;
  nlohmann::ordered_json result_;
};

// Long enough for any machine, short enough for a person.
int SecondsAllowed() {
  const char* seconds = std::getenv("AFTERLEAK_WORKSHOP_SECONDS");  // overridden by tests
  return seconds != nullptr ? std::max(std::atoi(seconds), 1) : 10;
}

#ifdef __SANITIZE_ADDRESS__
constexpr std::int64_t kMostHeld = std::int64_t{1} << 30;
constinit std::atomic<std::int64_t> held = 0;

// What is on the heap: AddressSanitizer takes terabytes of addresses for itself.
void LimitMemory() {
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t size) {
        if ((held += static_cast<std::int64_t>(size)) > kMostHeld) std::abort();
      },
      [](const volatile void* block) {
        held -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(block));
      });
}
#else
// Addresses, the stacks of goroutines included.
void LimitMemory() {
  const rlimit memory{std::uint64_t{4} << 30, std::uint64_t{4} << 30};
  setrlimit(RLIMIT_AS, &memory);
}
#endif

// Learners' loops may print and allocate endlessly.
void LimitResources() {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit file_size{1 << 24, 1 << 24};
  setrlimit(RLIMIT_FSIZE, &file_size);
  LimitMemory();
  // Small stacks, so that hundreds of goroutines that are left behind fit, and are counted.
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, std::size_t{1} << 20);
  pthread_setattr_default_np(&small);
  pthread_attr_destroy(&small);
  const rlimit core{0, 0};
  setrlimit(RLIMIT_CORE, &core);
}

int Run::Main() {
  if (arguments_.load_only) {
    Load load;
    if (kExercise.place != nullptr) {
      InPlace([&] { kExercise.load(load); });
      return 0;
    }
    Bubble bubble;
    bubble.Go([&] {
      PartInProgress progress;
      kExercise.load(load);
    });
    bubble.AdvanceTo(kLimit);
    return 0;
  }
  LimitResources();
  if (kExercise.instead || kExercise.place != nullptr) {
    if (kExercise.place != nullptr) alarm(static_cast<unsigned>(SecondsAllowed()));
    try {
      kExercise.instead ? kExercise.instead() : JudgeInPlace();
    } catch (...) {
      Fail(std::current_exception());
    }
  } else {
    Watchdog watchdog(SecondsAllowed(), [this](const std::string& id, const std::string& sentence) {
      if (id == "hang") failed_ = false;  // it is what the learner sees, whatever was wrong before
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
    for (const TimerMode mode : kModes) RunParts(kExercise.behaviour, {.timers = mode});
    for (const TimerMode mode : kModes) RunLoad(mode);
    for (const TimerMode mode : kModes) RunParts(kExercise.paths, {.timers = mode});
    for (const TimerMode mode : kModes) {
      RunParts(kExercise.instants, {.timers = mode});
      for (std::uint64_t seed = 1; seed <= Exercise::kOrders; ++seed)
        RunParts(kExercise.instants, {.timers = mode, .seed = seed, .shuffle = true});
    }
    if (left_ && !waiting_.empty()) result_["goroutines"] = waiting_;
    if (left_) throw Failure(*left_);
  } catch (...) {
    Fail(std::current_exception());
  }
  if (measured_) return;
  try {
    RunLoad(TimerMode::kGo122);
  } catch (...) {  // it has already failed, for a better reason
  }
}

// The load comes first: what other parts leave in the process would be in its census.
void Run::JudgeInPlace() {
  Load load;
  std::exception_ptr failed;
  InPlace([&] {
    try {
      kExercise.load(load);
    } catch (const Failure&) {  // the promise is asked for first
      failed = std::current_exception();
    }
  });
  measured_ = load;
  left_.reset();
  for (const Part& part : kExercise.behaviour) InPlace(part);
  if (failed) std::rethrow_exception(failed);
  JudgeLoad(load, kExercise);
  for (const auto& parts : {kExercise.paths, kExercise.instants})
    for (const Part& part : parts) InPlace(part);
  if (left_) throw Failure(*left_);
}

// Here, too, what went wrong is noted before the place ends.
void Run::InPlace(const Part& part) {
  kExercise.place([&](const Counters& counters) {
    try {
      PartInProgress progress(counters);
      part();
      const std::optional<Failure> left = progress.End();
      if (left && !left_) left_.emplace(*left);
    } catch (...) {
      Fail(std::current_exception());
      throw;
    }
  });
}

void Run::RunParts(const std::vector<Part>& parts, const Bubble::Options& options) {
  for (const Part& part : parts) InBubble(options, part);
}

void Run::RunLoad(TimerMode mode) {
  Load load;
  try {
    InBubble({.timers = mode}, [&] { kExercise.load(load); });
  } catch (...) {
    if (mode == TimerMode::kGo122) measured_ = load;
    throw;
  }
  if (mode == TimerMode::kGo122) measured_ = load;
  JudgeLoad(load, kExercise);
}

// What went wrong is noted while the bubble is still there: when that unwinds the goroutines, the
// code may do worse.
void Run::InBubble(const Bubble::Options& options, const Part& part) {
  bool over = false;
  bool done = false;
  Bubble bubble(options);
  const Watchdog::Watch watch(*watchdog_, bubble);
  bubble.Go([&] {
    PartInProgress progress;
    part();
    over = true;
    const std::optional<Failure> left = progress.End();
    if (left && !left_) left_.emplace(*left);
    done = true;
    bubble.Interrupt();  // what the code has left behind would go on for the rest of the hour
  });
  try {
    bubble.AdvanceTo(kLimit);
    if (done) return;
    const std::string waiting = ToString(bubble.Goroutines());
    const Failure stuck(
        "stuck", fmt::format("After {} of virtual time the code still waits, where it should "
                             "have returned long ago (timers as in {}).",
                             FormatDuration(kLimit), ToString(options.timers)));
    if (!over) {
      result_["goroutines"] = waiting;
      throw Failure(stuck);
    }
    if (left_) return;
    left_.emplace(stuck);
    waiting_ = waiting;
  } catch (const Thrown&) {
    return;
  } catch (...) {
    Fail(std::current_exception());
    throw;
  }
}

void Run::Fail(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Failure& failure) {
    if (!failed_ && !failure.details().empty()) result_["judged"] = failure.details();
    Fail(failure.id(), failure.what());
  } catch (const afterleak::Stuck& stuck) {
    const std::string_view text = stuck.what();  // "time stands still at 3s: ..."
    Fail("hang", fmt::format("Virtual {}: the code runs on without ever blocking.",
                             text.substr(0, text.find(':'))));
  } catch (const std::exception& e) {
    Fail("crash", fmt::format("The code throws an exception: {}. {}", e.what(), kFreshRunTimes));
  } catch (...) {
    Fail("crash",
         fmt::format("The code throws an exception that is no std::exception. {}", kFreshRunTimes));
  }
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
  return TerminalPlot(
      {.title = fmt::format("{} {} over virtual time", kExercise.state, kExercise.things),
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
