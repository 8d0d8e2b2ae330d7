#include "cli/commands.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "afterleak/afterleak.h"
#include "cli/reproduce.h"
#include "cli/show.h"
#include "pairs/pairs.h"
#include "stage/atomic_file.h"

namespace cli {
namespace {

using namespace afterleak;

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

// What a leak checker is for: a block that nothing refers to any more.
[[gnu::noinline]] void PlantLeak() {
  void* volatile block = std::malloc(7777);
  static_cast<void>(block);
  block = nullptr;
}

int ListJson() {
  nlohmann::ordered_json list;
  for (const Pattern& pattern : pairs::All()) {
    nlohmann::ordered_json workloads;
    for (const Workload& workload : pattern.workloads) workloads.push_back(workload.ToString());
    list.push_back(nlohmann::ordered_json{{"name", pattern.name},
                                          {"article", pattern.article},
                                          {"summary", pattern.summary},
                                          {"fix", pattern.fix},
                                          {"event", pattern.event},
                                          {"workloads", workloads},
                                          {"story", pattern.gentle.ToString()}});
  }
  fmt::print("{}\n", list.dump(1));
  return kAsExpected;
}

}  // namespace

int List(const Arguments& arguments) {
  if (arguments.list_as_json) return ListJson();
  for (const Pattern& pattern : pairs::All()) {
    std::string workloads;
    for (const Workload& workload : pattern.workloads)
      workloads += (workloads.empty() ? "" : ", ") + workload.ToString();
    fmt::print("{:<22}{}\n{:<22}workloads that show it: {}\n", pattern.name, pattern.summary, "",
               workloads);
  }
  return kAsExpected;
}

int Run(const Arguments& arguments) {
  const Pattern& pattern = FindPattern(arguments.pattern);
  const RunOptions options = Understand(pattern, arguments);
  // Opened first: a path that cannot be written is said before a long run, not after.
  std::optional<AtomicFile> csv;
  std::optional<AtomicFile> json;
  if (!arguments.csv.empty()) csv.emplace(arguments.csv);
  if (!arguments.json.empty()) json.emplace(arguments.json);

  if (arguments.plant_leak) PlantLeak();
  const InterruptWatch interrupt;
  auto bubble = std::make_unique<Bubble>(options.bubble);
  const Timeline timeline = RunPattern(pattern, options, *bubble, interrupt.token());
  // With --exit pending the process ends with its timers still pending, as a server does. Volatile,
  // so that leak checkers find it referred to.
  [[maybe_unused]] static Bubble* volatile kept = nullptr;
  if (arguments.exit == "pending") kept = bubble.release();
  if (timeline.interrupted) {
    fmt::print("\ninterrupted\n{}", ToString(timeline.report));
    return kInterrupted;
  }
  fmt::print("{}", ShowRun(timeline));
  if (arguments.plot) fmt::print("\n{}", ShowPlot({timeline}, UseColor(), UseUnicode()));
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
  fmt::print("{}\n{}", ShowComparison(both[0], both[1]), ShowPlot(both, UseColor(), UseUnicode()));
  const bool told_apart =
      Judge(both[0]).verdict == Verdict::kLeak && Judge(both[1]).verdict == Verdict::kBounded;
  return told_apart || arguments.timers == "go123" ? kAsExpected : kNotAsExpected;
}

int ReproduceResults(const Arguments& arguments) {
  const InterruptWatch interrupt;
  return Reproduce(arguments.out, arguments.article, interrupt.token());
}

}  // namespace cli
