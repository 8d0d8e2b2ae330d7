// What the checks of bubbles and of event loops have in common. Not for users.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"
#include "afterleak/census/verdict.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {

// A ledger that a check asks: a bubble's, or that of the event loops.
class Ledger {
 public:
  virtual std::span<const Resource> resources() const = 0;  // the ones that are judged
  virtual CensusTotals Totals(Resource resource) const = 0;
  virtual CensusReport Report(Resource resource) const = 0;

 protected:
  ~Ledger() = default;
};

// What was ever armed or started.
std::int64_t Armed(const Ledger& ledger);

void Append(std::vector<Finding>& all, std::vector<Finding> more);

// Whatever was ever abandoned.
std::vector<Finding> Abandoned(const Ledger& ledger, const Allowance& allowed);

// What is alive in `now` and was not before, or was abandoned in between.
std::vector<Finding> LeftSince(const Inventory& before, const Inventory& now,
                               const Allowance& allowed);

inline constexpr int kWindows = 10;
inline constexpr int kWarmUp = 2;  // of those

// Ten batches of equal work, each a window. The first ones are the warm-up. Charges a heap::Scope
// for what this thread allocates while the object lives.
class Batches {
 public:
  Batches(const Ledger& ledger, int calls, HeapCheck heap);

  // After each call. True if a batch is over: the caller begins the next window of the census.
  [[nodiscard]] bool Done(int call);

  // Whether blocks were counted, and there were any.
  bool Allocated() const { return counts_heap_ && scope_.usage().total_blocks > 0; }

  std::vector<Finding> Judge(const Allowance& allowed) const;

 private:
  void JudgeHeap(const Allowance& allowed, std::vector<Finding>& findings) const;

  const Ledger& ledger_;
  const heap::Scope scope_;
  const int per_batch_;
  const bool counts_heap_;
  std::vector<std::vector<CensusReport>> windows_;  // by resource
  std::vector<heap::Usage> heap_;
};

}  // namespace afterleak::internal
