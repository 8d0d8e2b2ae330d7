#include "afterleak/loops/leak_check.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "afterleak/census/batches.h"
#include "afterleak/heap/heap.h"

namespace afterleak::loops {
namespace {

// The idle ones are timers that were armed before: they are judged, and arm nothing.
constexpr Resource kAll[] = {Resource::kTimer, Resource::kIdle};

class LedgerOfLoops final : public afterleak::internal::Ledger {
 public:
  std::span<const Resource> resources() const override { return kAll; }
  CensusTotals Totals(Resource resource) const override { return loops::Totals(resource); }
  CensusReport Report(Resource resource) const override { return loops::Report(resource); }
};

std::string Summary() {
  const CensusTotals timers = Totals();
  return fmt::format("{} timers armed, {} live, {} idle", timers.armed, timers.live,
                     Totals(Resource::kIdle).live);
}

// Why a check that saw nothing did not.
std::string NothingSeen(std::string what) {
  for (const Watch& watch : Watched()) {
    if (!watch.blind.empty()) what += "; " + watch.blind;
  }
  return what;
}

}  // namespace

Verdict CheckAbandoned(const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  Verdict verdict{.findings = afterleak::internal::Abandoned(LedgerOfLoops(), options.allowed)};
  if (Totals().armed == 0 && !options.may_be_idle)
    verdict.unfounded = NothingSeen("no timer was armed");
  verdict.summary = fmt::format("{}; {} were abandoned, at most {} at once", Summary(),
                                Totals().abandoned, Totals().peak_abandoned);
  return verdict;
}

Verdict CheckLeftSince(const Inventory& before, const CheckOptions& options) {
  const heap::Scope::Suspend suspend;
  Verdict verdict{.findings = afterleak::internal::LeftSince(before, Alive(), options.allowed)};
  if (Totals().armed == 0 && !options.may_be_idle)
    verdict.unfounded = NothingSeen("no timer was armed");
  verdict.summary = Summary();
  return verdict;
}

Verdict CheckLeftBehind(const std::function<void()>& work, const WorkOptions& options) {
  Verdict verdict;
  if (options.calls < 1) {
    verdict.unfounded = "no call was asked for";
    return verdict;
  }
  if (options.heap == HeapCheck::kRequired && !heap::Counting()) {
    verdict.unfounded = "the heap is not counted: link afterleak::heap_operators";
    return verdict;
  }
  const std::int64_t armed = Totals().armed;
  const Inventory before = Alive();
  const LedgerOfLoops ledger;
  NextWindow();
  afterleak::internal::Batches batches(ledger, options.calls, options.heap);
  for (int call = 1; call <= options.calls; ++call) {
    work();
    if (batches.Done(call)) NextWindow();
  }
  const bool idle = Totals().armed == armed && !batches.Allocated();
  const heap::Scope::Suspend suspend;
  verdict = CheckLeftSince(before, {.allowed = options.allowed, .may_be_idle = true});
  afterleak::internal::Append(verdict.findings, batches.Judge(options.allowed));
  KeepFirstOfEachSite(verdict.findings);
  if (idle && !options.may_be_idle) verdict.unfounded = NothingSeen("the work armed no timer");
  return verdict;
}

}  // namespace afterleak::loops
