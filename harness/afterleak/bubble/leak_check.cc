#include "afterleak/bubble/leak_check.h"

#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "afterleak/bubble/panic.h"
#include "afterleak/census/batches.h"
#include "afterleak/census/duration.h"
#include "afterleak/heap/heap.h"

namespace afterleak {
namespace {

using internal::Abandoned;
using internal::Append;
using internal::Armed;
using internal::Batches;
using internal::kWarmUp;
using internal::kWindows;

constexpr Resource kAll[] = {Resource::kTimer, Resource::kContext, Resource::kGoroutine};

class LedgerOf final : public internal::Ledger {
 public:
  explicit LedgerOf(const Bubble& bubble) : bubble_(bubble) {}
  std::span<const Resource> resources() const override { return kAll; }
  CensusTotals Totals(Resource resource) const override { return bubble_.Totals(resource); }
  CensusReport Report(Resource resource) const override { return bubble_.Report(resource); }

 private:
  const Bubble& bubble_;
};

std::string CountOf(const Bubble& bubble) {
  const CensusTotals timers = bubble.Totals();
  return fmt::format("{} timers armed, {} contexts, {} goroutines started", timers.armed,
                     bubble.Totals(Resource::kContext).armed,
                     bubble.Totals(Resource::kGoroutine).armed);
}

struct Overdue {  // the work has not returned within its limit
  std::string waiting;
};

}  // namespace

Verdict CheckAbandoned(const Bubble& bubble, const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  Verdict verdict{.findings = Abandoned(LedgerOf(bubble), options.allowed)};
  const std::int64_t armed = bubble.Totals().armed + bubble.Totals(Resource::kContext).armed;
  if (armed == 0 && !options.may_be_idle)
    verdict.unfounded = "nothing was armed: no timer, no registration and no context";
  verdict.summary =
      fmt::format("{}; {} timers are abandoned now, at most {} at once", CountOf(bubble),
                  bubble.Totals().abandoned, bubble.Totals().peak_abandoned);
  return verdict;
}

Verdict CheckBounded(Bubble& bubble, Duration window, const CheckOptions& options) {
  Verdict verdict;
  if (window <= Duration::zero()) {
    verdict.unfounded = "the window is empty: time does not advance";
    return verdict;
  }
  if (window > Duration::max() / kWindows) {
    verdict.unfounded = fmt::format("{} windows of {} are more than a clock has room for", kWindows,
                                    FormatDuration(window));
    return verdict;
  }
  const Time start = bubble.Now();
  std::vector<CensusReport> windows[std::size(kAll)];
  for (int i = 1; i <= kWindows; ++i) {
    bubble.NextWindow();
    bubble.AdvanceTo(SaturatingAdd(start, window * i));
    const heap::Scope::Suspend suspend;
    for (std::size_t r = 0; r < std::size(kAll); ++r) {
      if (i > kWarmUp) windows[r].push_back(bubble.Report(kAll[r]));
    }
    verdict.findings = Abandoned(LedgerOf(bubble), options.allowed);
    if (!verdict.findings.empty()) break;
  }
  const heap::Scope::Suspend suspend;
  const std::int64_t most = bubble.Totals().peak_live;
  for (const auto& reports : windows)
    Append(verdict.findings, JudgeGrowing(reports, options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  const Duration passed = bubble.Now() - start;
  if (passed < window * kWindows && verdict.findings.empty())
    verdict.unfounded = fmt::format("time did not advance by {} windows: only by {}", kWindows,
                                    FormatDuration(passed));
  else if (Armed(LedgerOf(bubble)) == 0 && !options.may_be_idle)
    verdict.unfounded =
        fmt::format("nothing was armed and no goroutine started in {}", FormatDuration(passed));
  verdict.summary =
      fmt::format("never more than {} timers were live in {}", most, FormatDuration(passed));
  return verdict;
}

Verdict CheckLeftSince(const Inventory& before, const Bubble& bubble, const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  Verdict verdict{.findings = internal::LeftSince(before, bubble.Alive(), options.allowed)};
  if (Armed(LedgerOf(bubble)) == 0 && !options.may_be_idle)
    verdict.unfounded = "nothing was armed and no goroutine started";
  verdict.summary = CountOf(bubble);
  return verdict;
}

Verdict CheckLeftBehind(Bubble& bubble, const std::function<void()>& work,
                        const WorkOptions& options, std::source_location site) {
  Verdict verdict;
  if (options.calls < 1) {
    verdict.unfounded = "no call was asked for";
    return verdict;
  }
  if (options.heap == HeapCheck::kRequired && !heap::Counting()) {
    verdict.unfounded = "the heap is not counted: link afterleak::heap_operators";
    return verdict;
  }
  const std::int64_t armed = Armed(LedgerOf(bubble));
  const Inventory before = bubble.Alive();
  const auto working = std::make_shared<bool>(true);
  bubble.SampleAt(SaturatingAdd(bubble.Now(), options.limit), [working, &bubble] {
    if (*working) throw Overdue{ToString(bubble.Goroutines())};
  });
  const LedgerOf ledger(bubble);
  Batches batches(ledger, options.calls, options.heap);
  try {
    bubble.Run(
        [&] {
          for (int call = 1; call <= options.calls; ++call) {
            work();
            if (batches.Done(call)) bubble.NextWindow();
          }
        },
        site);
  } catch (const Overdue& overdue) {
    verdict.unfounded = fmt::format("the work has not returned after {}\n{}",
                                    FormatDuration(options.limit), overdue.waiting);
  } catch (const Deadlock& deadlock) {
    verdict.unfounded = fmt::format("the work does not return: {}", deadlock.what());
  }
  *working = false;
  if (!verdict.unfounded.empty()) return verdict;
  bubble.Advance(options.grace);

  const bool idle = Armed(ledger) == armed && !batches.Allocated();
  const heap::Scope::Suspend suspend;
  verdict = CheckLeftSince(before, bubble, {.allowed = options.allowed, .may_be_idle = true});
  Append(verdict.findings, batches.Judge(options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  if (idle && !options.may_be_idle)
    verdict.unfounded = "the work armed nothing and started no goroutine";
  return verdict;
}

}  // namespace afterleak
