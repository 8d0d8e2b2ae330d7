#include "tests/reports/judged.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "afterleak/bubble/leak_check.h"
#include "afterleak/go/time.h"
#include "tests/reports/case.h"

namespace cases {
namespace {

constexpr Duration kRest = 2s;  // all work that was begun is over by then

void Add(Verdict verdict, std::vector<Finding>& all) {
  if (!verdict.unfounded.empty()) throw std::runtime_error(verdict.unfounded);
  for (Finding& finding : verdict.findings) {
    const bool known = std::ranges::any_of(all, [&](const Finding& other) {
      return other.leak == finding.leak && other.kind == finding.kind &&
             other.file == finding.file && other.line == finding.line &&
             other.waits == finding.waits;
    });
    if (!known) all.push_back(std::move(finding));
  }
}

Bubble::Options OptionsFor(const Program& program, TimerMode mode) {
  Bubble::Options options{.timers = mode};
  if (!program.wrapper.empty()) {
    options.call_stacks = true;
    options.wrappers = {std::string(program.wrapper)};
  }
  return options;
}

// One long load, which stops.
void Steadily(const Program& program, TimerMode mode, Judgement& all) {
  Bubble bubble(OptionsFor(program, mode));
  const Inventory before = bubble.Alive();
  stop_at = bubble.Now() + 150s;
  program.run(bubble);
  Add(CheckBounded(bubble, 15s), all.findings);
  bubble.AdvanceTo(stop_at + kRest);
  Add(CheckLeftSince(before, bubble), all.findings);
  for (const SiteReport& site : bubble.Report().sites)
    if (site.stale > 0) all.stale.push_back(site.file + ":" + std::to_string(site.line));
}

// The same short load again and again.
void Repeatedly(const Program& program, TimerMode mode, Judgement& all) {
  Bubble bubble(OptionsFor(program, mode));
  const auto load = [&] {
    stop_at = time::Now() + 2s;
    program.run(bubble);
    time::Sleep(2s + kRest);
  };
  Add(CheckLeftBehind(bubble, load, {.calls = 50}), all.findings);
}

}  // namespace

Judgement Judge(const Program& program, TimerMode mode) {
  Judgement judgement;
  Steadily(program, mode, judgement);
  Repeatedly(program, mode, judgement);
  return judgement;
}

}  // namespace cases
