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

// Heap blocks that repeated work leaves behind, judged by batches.
class HeapBatches {
 public:
  explicit HeapBatches(const WorkOptions& options)
      : judged_(options.heap != HeapCheck::kOff && heap::Counting() &&
                options.calls >= kWindows * kFewest),
        per_batch_(options.calls / kWindows) {}

  static constexpr int kFewest = 5;  // calls in a batch

  bool judged() const { return judged_; }
  bool EndsBatch(int call) const { return judged_ && call % per_batch_ == 0; }
  void Add(const heap::Usage& usage) {
    const heap::Scope::Suspend suspend;
    usages_.push_back(usage);
  }

  void Judge(const Allowance& allowed, std::vector<Finding>& findings) const {
    if (!judged_ || usages_.size() < kWindows) return;
    std::vector<std::int64_t> blocks;
    for (std::size_t i = kWarmUp; i < kWindows; ++i) blocks.push_back(usages_[i].live_blocks);
    for (std::size_t i = 1; i < blocks.size(); ++i) {
      if (blocks[i] - blocks[i - 1] < per_batch_) return;
    }
    const std::size_t last = kWindows - 1;
    const std::int64_t grown = usages_[last].live_blocks - usages_[kWarmUp].live_blocks;
    if (grown <= allowed.For("", 0, "")) return;
    const auto calls = static_cast<double>(per_batch_ * (kWindows - 1 - kWarmUp));
    findings.push_back(
        {.leak = Leak::kLeftBehind,
         .kind = "heap block",
         .count = grown,
         .bytes = usages_[last].live_bytes - usages_[kWarmUp].live_bytes,
         .evidence = fmt::format("{:.3g} more for each call", static_cast<double>(grown) / calls),
         .cure = "look for what owns itself: a callback that holds its owner"});
  }

 private:
  const bool judged_;
  const int per_batch_;
  std::vector<heap::Usage> usages_;
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
  HeapBatches batches(options);
  const heap::Scope scope;
  const std::int64_t armed = Armed(bubble);
  const Inventory before = bubble.Alive();
  const auto working = std::make_shared<bool>(true);
  bubble.SampleAt(SaturatingAdd(bubble.Now(), options.limit), [working] {
    if (*working) throw Overdue();
  });
  try {
    bubble.Run(
        [&] {
          for (int done = 1; done <= options.calls; ++done) {
            work();
            if (batches.EndsBatch(done)) batches.Add(scope.usage());
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

  const bool idle = Armed(bubble) == armed && !(batches.judged() && scope.usage().total_blocks > 0);
  const heap::Scope::Suspend suspend;
  verdict = CheckLeftSince(before, bubble,
                           {.allowed = options.allowed, .may_be_idle = options.may_be_idle});
  batches.Judge(options.allowed, verdict.findings);
  if (idle && !options.may_be_idle)
    verdict.unfounded = "the work armed nothing and started no goroutine";
  return verdict;
}

}  // namespace afterleak
