#include "afterleak/bubble/leak_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "afterleak/bubble/panic.h"
#include "afterleak/census/duration.h"

namespace afterleak {
namespace {

constexpr Resource kAll[] = {Resource::kTimer, Resource::kContext, Resource::kGoroutine};
constexpr int kWindows = 10;
constexpr int kWarmUp = 2;

std::int64_t Armed(const Bubble& bubble) {
  std::int64_t armed = 0;
  for (const Resource resource : kAll) armed += bubble.Totals(resource).armed;
  return armed;
}

void Append(std::vector<Finding>& all, std::vector<Finding> more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::vector<Finding> Abandoned(const Bubble& bubble, const Allowance& allowed) {
  std::vector<Finding> findings;
  for (const Resource resource : kAll)
    Append(findings, JudgeAbandoned(bubble.Report(resource), allowed));
  return findings;
}

std::string CountOf(const Bubble& bubble) {
  const CensusTotals timers = bubble.Totals();
  return fmt::format("{} timers armed, {} contexts, {} goroutines started", timers.armed,
                     bubble.Totals(Resource::kContext).armed,
                     bubble.Totals(Resource::kGoroutine).armed);
}

// Ten batches of equal work, each a window. The first ones are the warm-up.
class Batches {
 public:
  Batches(Bubble& bubble, const WorkOptions& options)
      : bubble_(bubble),
        per_batch_(options.calls / kWindows),
        counts_heap_(options.heap != HeapCheck::kOff && heap::Counting() &&
                     per_batch_ >= kFewestForHeap) {
    bubble_.NextWindow();
  }

  bool counts_heap() const { return counts_heap_; }

  // After each call.
  void Done(int call) {
    if (per_batch_ == 0 || call % per_batch_ != 0 || call > per_batch_ * kWindows) return;
    const heap::Scope::Suspend suspend;
    if (call > per_batch_ * kWarmUp) {
      for (std::size_t r = 0; r < std::size(kAll); ++r)
        windows_[r].push_back(bubble_.Report(kAll[r]));
      heap_.push_back(scope_.usage());
    }
    bubble_.NextWindow();
  }

  std::int64_t blocks_allocated() const { return scope_.usage().total_blocks; }

  std::vector<Finding> Judge(const Allowance& allowed) const {
    std::vector<Finding> findings;
    for (const auto& windows : windows_) Append(findings, JudgeGrowing(windows, allowed));
    if (counts_heap_) JudgeHeap(allowed, findings);
    return findings;
  }

 private:
  static constexpr int kFewestForHeap = 5;  // calls in a batch

  void JudgeHeap(const Allowance& allowed, std::vector<Finding>& findings) const {
    for (std::size_t i = 1; i < heap_.size(); ++i) {
      if (heap_[i].live_blocks - heap_[i - 1].live_blocks < per_batch_) return;
    }
    if (heap_.size() < 2) return;
    const std::int64_t grown = heap_.back().live_blocks - heap_.front().live_blocks;
    if (grown <= allowed.For("", 0, "")) return;
    const auto calls = static_cast<double>(per_batch_) * static_cast<double>(heap_.size() - 1);
    Finding finding;
    finding.leak = Leak::kLeftBehind;
    finding.kind = "heap block";
    finding.count = grown;
    finding.bytes = heap_.back().live_bytes - heap_.front().live_bytes;
    finding.evidence = fmt::format("{:.3g} more for each call", static_cast<double>(grown) / calls);
    finding.cure = "look for what owns itself, such as a callback that holds its owner";
    findings.push_back(std::move(finding));
  }

  Bubble& bubble_;
  const heap::Scope scope_;
  const int per_batch_;
  const bool counts_heap_;
  std::vector<CensusReport> windows_[std::size(kAll)];
  std::vector<heap::Usage> heap_;
};

struct Overdue {};  // the work has not returned within its limit

}  // namespace

std::string ToString(const Verdict& verdict) {
  std::string out = (verdict.unfounded.empty() ? verdict.summary : verdict.unfounded) + "\n";
  for (const Finding& finding : verdict.findings) out += ToString(finding);
  return out;
}

Verdict CheckAbandoned(const Bubble& bubble, const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  Verdict verdict{.findings = Abandoned(bubble, options.allowed)};
  const std::int64_t armed = bubble.Totals().armed + bubble.Totals(Resource::kContext).armed;
  if (armed == 0 && !options.may_be_idle)
    verdict.unfounded = "nothing was armed: no timer, no registration and no context";
  verdict.summary = fmt::format("{}; {} timers were abandoned, at most {} at once", CountOf(bubble),
                                bubble.Totals().abandoned, bubble.Totals().peak_abandoned);
  return verdict;
}

Verdict CheckBounded(Bubble& bubble, Duration window, const CheckOptions& options) {
  Verdict verdict;
  if (window <= Duration::zero()) {
    verdict.unfounded = "the window is empty: time does not advance";
    return verdict;
  }
  const Time start = bubble.Now();
  std::vector<CensusReport> windows[std::size(kAll)];
  std::int64_t most = 0;
  for (int i = 1; i <= kWindows; ++i) {
    bubble.NextWindow();
    bubble.AdvanceTo(SaturatingAdd(start, window * i));
    const heap::Scope::Suspend suspend;
    for (std::size_t r = 0; r < std::size(kAll); ++r) {
      if (i > kWarmUp) windows[r].push_back(bubble.Report(kAll[r]));
    }
    verdict.findings = Abandoned(bubble, options.allowed);
    if (!verdict.findings.empty()) break;
  }
  const heap::Scope::Suspend suspend;
  most = bubble.Totals().peak_live;
  for (const auto& reports : windows)
    Append(verdict.findings, JudgeGrowing(reports, options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  const Duration passed = bubble.Now() - start;
  if (passed < window && verdict.findings.empty())
    verdict.unfounded =
        fmt::format("time did not advance by the first window: only by {}", FormatDuration(passed));
  else if (Armed(bubble) == 0 && !options.may_be_idle)
    verdict.unfounded =
        fmt::format("nothing was armed and no goroutine started in {}", FormatDuration(passed));
  verdict.summary =
      fmt::format("never more than {} timers were live in {}", most, FormatDuration(passed));
  return verdict;
}

Verdict CheckLeftSince(const Inventory& before, const Bubble& bubble, const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  const Inventory now = bubble.Alive();
  Verdict verdict{.findings = JudgeAbandoned(before, now, options.allowed)};
  Append(verdict.findings, JudgeLeftBehind(before, now, options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  if (Armed(bubble) == 0 && !options.may_be_idle)
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
  const std::int64_t armed = Armed(bubble);
  const Inventory before = bubble.Alive();
  const auto working = std::make_shared<bool>(true);
  bubble.SampleAt(SaturatingAdd(bubble.Now(), options.limit), [working] {
    if (*working) throw Overdue();
  });
  Batches batches(bubble, options);
  try {
    bubble.Run(
        [&] {
          for (int call = 1; call <= options.calls; ++call) {
            work();
            batches.Done(call);
          }
        },
        site);
  } catch (const Overdue&) {
    verdict.unfounded = fmt::format("the work has not returned after {}\n{}",
                                    FormatDuration(options.limit), ToString(bubble.Goroutines()));
  } catch (const Deadlock& deadlock) {
    verdict.unfounded = fmt::format("the work does not return: {}", deadlock.what());
  }
  *working = false;
  if (!verdict.unfounded.empty()) return verdict;
  bubble.Advance(options.grace);

  const bool allocated = batches.counts_heap() && batches.blocks_allocated() > 0;
  const bool idle = Armed(bubble) == armed && !allocated;
  const heap::Scope::Suspend suspend;
  verdict = CheckLeftSince(before, bubble, {.allowed = options.allowed, .may_be_idle = true});
  Append(verdict.findings, batches.Judge(options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  if (idle && !options.may_be_idle)
    verdict.unfounded = "the work armed nothing and started no goroutine";
  return verdict;
}

}  // namespace afterleak
