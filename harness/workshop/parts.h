// The part in progress: what the helpers of check.h share with the program that runs the parts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/census/judge.h"
#include "afterleak/heap/heap.h"
#include "workshop/check.h"

namespace workshop {

// What a part is counted by: its bubble, or the event loops of the process (on_loop.h).
class Counters {
 public:
  virtual ~Counters() = default;
  virtual Time Now() const = 0;
  virtual void Settle() const = 0;
  virtual Inventory Alive() const = 0;
  virtual CensusTotals Totals() const = 0;  // of what is plotted, like the next
  virtual CensusReport Report() const = 0;
  virtual std::vector<Finding> Abandoned() const = 0;
};

// Made and ended by the thread that does the part; one at a time.
class PartInProgress {
 public:
  PartInProgress();  // a goroutine: what counts is its bubble
  explicit PartInProgress(const Counters& there);
  ~PartInProgress();
  PartInProgress(const PartInProgress&) = delete;
  PartInProgress& operator=(const PartInProgress&) = delete;

  // Waits until every call has ended; then the failure that names what is left, if anything is.
  std::optional<Failure> End();

  // What the code of the part has on the heap.
  heap::Usage heap_usage() const { return scope_.usage(); }

  const Counters& counters;
  const Inventory began;  // what was alive
  const std::shared_ptr<sync::WaitGroup> calls = std::make_shared<sync::WaitGroup>();

 private:
  const heap::Scope scope_;
};

// Throws the Failure of what is wrong with a load that has done its turns.
void JudgeLoad(const Load& load, const Exercise& exercise);

}  // namespace workshop
