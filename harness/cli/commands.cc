#include "cli/commands.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "afterleak/census/duration.h"
#include "cli/output.h"
#include "cli/show.h"
#include "stage/findings.h"
#include "stage/probe.h"

namespace cli {
namespace {

using namespace afterleak;

std::vector<std::string> WorkloadsOf(const Pattern& pattern) {
  std::vector<std::string> workloads;
  workloads.reserve(pattern.workloads.size());
  for (const Workload& workload : pattern.workloads) workloads.push_back(workload.ToString());
  return workloads;
}

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

int ListJson(const std::vector<const Pattern*>& patterns) {
  nlohmann::ordered_json list;
  for (const Pattern* const pattern : patterns) {
    list.push_back(nlohmann::ordered_json{{"name", pattern->name},
                                          {"article", pattern->article},
                                          {"summary", pattern->summary},
                                          {"fix", pattern->fix},
                                          {"work", pattern->work},
                                          {"event", pattern->event},
                                          {"workloads", WorkloadsOf(*pattern)},
                                          {"story", pattern->gentle.ToString()},
                                          {"loops", pattern->loops}});
  }
  Print(list.dump(1) + "\n");
  return kAsExpected;
}

}  // namespace

int List(const Arguments& arguments) {
  const std::vector<const Pattern*> patterns = PatternsOn(arguments.on);
  if (arguments.list_as_json) return ListJson(patterns);
  for (const Pattern* const pattern : patterns) {
    Print(Wrap(fmt::format("{:<22}{}\n{:<22}workloads that show it: {}", pattern->name,
                           pattern->summary, "", fmt::join(WorkloadsOf(*pattern), ", ")),
               22));
    if (!pattern->loops.empty())
      Print(Wrap(fmt::format("{:<22}also --on {}", "", fmt::join(pattern->loops, ", ")), 22));
  }
  return kAsExpected;
}

int Run(const Arguments& arguments, const RunSide& run_side) {
  const Pattern& pattern = FindPattern(arguments);
  const RunOptions options = Understand(pattern, arguments);
  const Expectation expected = ExpectationOf(arguments);
  // Opened first, so that a path that cannot be written is reported before a long run, not after.
  Files files;
  Open(arguments, &files);

  if (arguments.plant_leak) probe::PlantLeak();
  const Timeline timeline = run_side(pattern, options, arguments);

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

int Compare(const Arguments& arguments, const RunSide& run_side) {
  const Pattern& pattern = FindPattern(arguments);
  RunOptions options = Understand(pattern, arguments);
  Expectation expected = ExpectationOf(arguments);
  Files files;
  Open(arguments, &files);
  std::vector<Timeline> both;
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    options.variant = variant;
    both.push_back(run_side(pattern, options, arguments));
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
    Arguments usual = arguments;
    usual.expect = {"bounded"};
    expected = ExpectationOf(usual);
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

}  // namespace cli
