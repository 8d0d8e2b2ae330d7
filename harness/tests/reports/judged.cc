#include "tests/reports/judged.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
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

// One long load, which stops.
void Steadily(const Program& program, TimerMode mode, std::vector<Finding>& all) {
  Bubble bubble({.timers = mode});
  const Inventory before = bubble.Alive();
  stop_at = bubble.Now() + 150s;
  program.run(bubble);
  Add(CheckBounded(bubble, 15s), all);
  bubble.AdvanceTo(stop_at + kRest);
  Add(CheckLeftSince(before, bubble), all);
}

// The same short load again and again.
void Repeatedly(const Program& program, TimerMode mode, std::vector<Finding>& all) {
  Bubble bubble({.timers = mode});
  const auto load = [&] {
    stop_at = time::Now() + 2s;
    program.run(bubble);
    time::Sleep(2s + kRest);
  };
  Add(CheckLeftBehind(bubble, load, {.calls = 50, .heap = HeapCheck::kRequired}), all);
}

}  // namespace

std::vector<Finding> Judged(const Program& program, TimerMode mode) {
  std::vector<Finding> findings;
  Steadily(program, mode, findings);
  Repeatedly(program, mode, findings);
  return findings;
}

}  // namespace cases
