#include "cli/commands.h"

#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "afterleak/afterleak.h"
#include "afterleak/census/duration.h"
#include "cli/output.h"
#include "cli/reproduce.h"
#include "cli/show.h"
#include "pairs/pairs.h"
#include "stage/atomic_file.h"
#include "stage/findings.h"
#include "stage/probe.h"

namespace cli {
namespace {

using namespace afterleak;

// Ctrl-C asks for an orderly end; a second one ends the process as usual.
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

// Writes whatever can be written, then reports the first failure.
void Write(const Timeline& timeline, const Arguments& arguments, Files& files) {
  std::exception_ptr failure;
  const auto attempt = [&failure](const auto& write) {
    try {
      write();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  if (files.csv) attempt([&] { files.csv->Write(ToCsv(timeline)); });
  if (files.json) attempt([&] { files.json->Write(ToJson(timeline)); });
  if (files.sarif) attempt([&] { files.sarif->Write(ToSarif(timeline.findings)); });
  if (files.TakeStdout()) {
    if (timeline.interrupted) {
      Complain(
          fmt::format("interrupted at {}", FormatDuration(timeline.report.at.time_since_epoch())));
    }
  } else if (timeline.interrupted) {
    attempt([&] { Print("\ninterrupted\n" + ToString(timeline.report)); });
  } else {
    attempt([&] { Print(ShowRun(timeline)); });
    if (arguments.plot) attempt([&] { Print("\n" + ShowPlot({timeline})); });
  }
  if (arguments.format == "github") attempt([&] { Print(ToAnnotations(timeline.findings)); });
  if (failure) std::rethrow_exception(failure);
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
                                          {"work", pattern.work},
                                          {"event", pattern.event},
                                          {"workloads", workloads},
                                          {"story", pattern.gentle.ToString()}});
  }
  Print(list.dump(1) + "\n");
  return kAsExpected;
}

}  // namespace

int List(const Arguments& arguments) {
  if (arguments.list_as_json) return ListJson();
  for (const Pattern& pattern : pairs::All()) {
    std::string workloads;
    for (const Workload& workload : pattern.workloads)
      workloads += (workloads.empty() ? "" : ", ") + workload.ToString();
    Print(Wrap(fmt::format("{:<22}{}\n{:<22}workloads that show it: {}", pattern.name,
                           pattern.summary, "", workloads),
               22));
  }
  return kAsExpected;
}

int Run(const Arguments& arguments) {
  const Pattern& pattern = FindPattern(arguments.pattern);
  const RunOptions options = Understand(pattern, arguments);
  const Expectation expected = ExpectationOf(arguments);
  // Opened first, so that a path that cannot be written is reported before a long run, not after.
  Files files;
  Open(arguments, &files);

  if (arguments.plant_leak) probe::PlantLeak();
  const InterruptWatch interrupt;
  auto bubble = std::make_unique<Bubble>(options.bubble);
  const Timeline timeline = RunPattern(pattern, options, *bubble, interrupt.token());
  // With --exit pending the process ends with its timers still pending, as a server does. Volatile,
  // so that leak checkers find it referred to.
  [[maybe_unused]] static Bubble* volatile kept = nullptr;
  if (arguments.exit == "pending") kept = bubble.release();

  Write(timeline, arguments, files);
  if (timeline.interrupted) return kInterrupted;
  const Finding* const broken = expected.Broken(timeline);
  if (expected.leak ? Leaks(timeline) : broken == nullptr) return kAsExpected;
  Complain(broken == nullptr
               ? fmt::format("expected leak, found it bounded: {}", Conclusion(timeline))
               : fmt::format("expected {}, found a leak: {}", expected.words,
                             InShort(*broken, timeline.report.totals)));
  return kNotAsExpected;
}

int Compare(const Arguments& arguments) {
  const Pattern& pattern = FindPattern(arguments.pattern);
  RunOptions options = Understand(pattern, arguments);
  Expectation expected = ExpectationOf(arguments);
  Files files;
  Open(arguments, &files);
  const InterruptWatch interrupt;
  std::vector<Timeline> both;
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    options.variant = variant;
    both.push_back(RunPattern(pattern, options, interrupt.token()));
    if (!both.back().interrupted) continue;
    if (both.size() == 2) Print(ShowComparison(both[0], both[1]));
    Print(fmt::format("\ninterrupted ({} side)\n{}", ToString(variant),
                      ToString(both.back().report)));
    return kInterrupted;
  }
  if (files.json) files.json->Write(ToJson(both[0], both[1]));
  if (!files.TakeStdout()) Print(ShowComparison(both[0], both[1]) + "\n" + ShowPlot(both));
  if (expected.words.empty()) {
    // With timers as in go123 most leaky sides are bounded, as they should be.
    if (options.bubble.timers == TimerMode::kGo123) return kAsExpected;
    expected = {.words = "bounded", .none = {Leak::kAbandoned, Leak::kGrowing}};
  }
  int exit_code = kAsExpected;
  for (const Timeline& side : both) {
    const bool leaky = side.options.variant == Variant::kLeaky;
    const Finding* const broken = expected.Broken(side);
    if ((broken != nullptr) == leaky) continue;
    Complain(leaky ? fmt::format("expected the leaky side to leak: {}; a longer --for or another "
                                 "--workload may show it",
                                 Conclusion(side))
                   : fmt::format("expected the fixed side not to leak: {}",
                                 InShort(*broken, side.report.totals)));
    exit_code = kNotAsExpected;
  }
  return exit_code;
}

int ReproduceResults(const Arguments& arguments) {
  const std::filesystem::path out = FolderOf(arguments);
  const InterruptWatch interrupt;
  const int exit_code = Reproduce(out, arguments.article, interrupt.token());
  if (exit_code == kInterrupted)
    Complain(fmt::format("interrupted; nothing was written to {}", out.string()));
  return exit_code;
}

}  // namespace cli
