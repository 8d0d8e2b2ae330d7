// The programs of this folder, for those who look at them from outside: each run by itself, as
// leak detectors want it, and what the judge says of all, as JSON.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "afterleak/census/duration.h"
#include "stage/probe.h"
#include "tests/reports/case.h"
#include "tests/reports/judged.h"
#include "tests/reports/registry.h"

// To judge all of them is to leak on the heap: some leaks outlive their bubble. Then a sanitizer
// does not look for leaks when the program ends.
static bool judges_all = false;
extern "C" int __lsan_is_turned_off() { return judges_all ? 1 : 0; }

namespace cases {
namespace {

const Program& Find(const std::string& name, const std::string& side) {
  const auto found = std::ranges::find_if(
      Programs(), [&](const Program& p) { return p.name == name && p.side == side; });
  if (found == Programs().end())
    throw std::invalid_argument("no program is called " + name + ", " + side);
  return *found;
}

// The options of afterleak run, as far as detectors use them.
struct Run {
  std::string name;
  std::string side = "leaky";
  std::string workload = "load";  // "idle": none
  std::string length = "60s";
  std::string sample;  // for nothing: there is nothing to plot
  std::string exit = "torn-down";
  std::vector<std::string> checkpoints;
};

void Do(const Run& run) {
  const Program& program = Find(run.name, run.side);
  auto bubble = std::make_unique<Bubble>();
  for (const std::string& at : run.checkpoints) {
    const Duration instant = ParseDuration(at);
    bubble->SampleAt(instant, [instant] { probe::Checkpoint(instant); });
  }
  if (run.workload != "idle") program.run(*bubble);
  bubble->AdvanceTo(ParseDuration(run.length));
  [[maybe_unused]] static Bubble* volatile kept = nullptr;  // a pointer that leak checkers see
  if (run.exit == "pending") kept = bubble.release();
}

nlohmann::json ToJson(const Finding& finding) {
  return {{"leak", ToString(finding.leak)}, {"kind", finding.kind},   {"file", finding.file},
          {"line", finding.line},           {"waits", finding.waits}, {"count", finding.count}};
}

void JudgeAll() {
  judges_all = true;
  nlohmann::json all = nlohmann::json::array();
  for (const Program& program : Programs()) {
    for (const TimerMode mode : {TimerMode::kGo122, TimerMode::kGo123}) {
      const Judgement judgement = Judge(program, mode);
      nlohmann::json findings = nlohmann::json::array();
      for (const Finding& finding : judgement.findings) findings.push_back(ToJson(finding));
      all.push_back({{"name", program.name},
                     {"side", program.side},
                     {"mode", ToString(mode)},
                     {"findings", findings},
                     {"stale", judgement.stale}});
    }
  }
  std::cout << all.dump(1) << '\n';
}

int Main(int argc, char** argv) {
  CLI::App app("Programs after public reports.");
  app.require_subcommand(1);
  Run run;
  CLI::App& one = *app.add_subcommand("run", "Runs one of them under load, and ends.");
  one.add_option("NAME", run.name)->required();
  one.add_option("--variant", run.side)->check(CLI::IsMember({"leaky", "fixed", "clean"}));
  one.add_option("--workload", run.workload)->check(CLI::IsMember({"load", "idle"}));
  one.add_option("--for", run.length, "Virtual time.");
  one.add_option("--sample", run.sample);
  one.add_option("--exit", run.exit)->check(CLI::IsMember({"torn-down", "pending"}));
  one.add_option("--checkpoints", run.checkpoints)->delimiter(',');
  one.callback([&] { Do(run); });
  app.add_subcommand("judge", "Writes what the judge says of all of them.")->callback(JudgeAll);
  CLI11_PARSE(app, argc, argv);
  return std::cout.flush() ? 0 : 1;
}

}  // namespace
}  // namespace cases

int main(int argc, char** argv) {
  try {
    return cases::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "reports: " << error.what() << '\n';
    return 2;
  }
}
