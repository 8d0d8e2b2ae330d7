#include "afterleak/census/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace afterleak::internal {
namespace {

constexpr int kFewestForHeap = 5;  // calls in a batch

}  // namespace

std::int64_t Armed(const Ledger& ledger) {
  std::int64_t armed = 0;
  for (const Resource resource : ledger.resources()) armed += ledger.Totals(resource).armed;
  return armed;
}

void Append(std::vector<Finding>& all, std::vector<Finding> more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::vector<Finding> Abandoned(const Ledger& ledger, const Allowance& allowed) {
  std::vector<Finding> findings;
  for (const Resource resource : ledger.resources())
    Append(findings, JudgeAbandoned(ledger.Report(resource), allowed));
  return findings;
}

std::vector<Finding> LeftSince(const Inventory& before, const Inventory& now,
                               const Allowance& allowed) {
  std::vector<Finding> findings = JudgeAbandoned(before, now, allowed);
  Append(findings, JudgeLeftBehind(before, now, allowed));
  KeepFirstOfEachSite(findings);
  return findings;
}

Batches::Batches(const Ledger& ledger, int calls, HeapCheck heap)
    : ledger_(ledger),
      per_batch_(calls / kWindows),
      counts_heap_(heap != HeapCheck::kOff && heap::Counting() && per_batch_ >= kFewestForHeap) {
  const heap::Scope::Suspend suspend;
  windows_.resize(ledger.resources().size());
}

bool Batches::Done(int call) {
  if (per_batch_ == 0 || call % per_batch_ != 0 || call > per_batch_ * kWindows) return false;
  const heap::Scope::Suspend suspend;
  if (call > per_batch_ * kWarmUp) {
    for (std::size_t r = 0; r < windows_.size(); ++r)
      windows_[r].push_back(ledger_.Report(ledger_.resources()[r]));
    heap_.push_back(scope_.usage());
  }
  return true;
}

std::vector<Finding> Batches::Judge(const Allowance& allowed) const {
  std::vector<Finding> findings;
  for (const auto& windows : windows_) Append(findings, JudgeGrowing(windows, allowed));
  if (counts_heap_) JudgeHeap(allowed, findings);
  return findings;
}

void Batches::JudgeHeap(const Allowance& allowed, std::vector<Finding>& findings) const {
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

}  // namespace afterleak::internal
