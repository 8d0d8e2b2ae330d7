// The part in progress: what the helpers of check.h share with the program that runs the parts.
#pragma once

#include <memory>
#include <optional>

#include "afterleak/afterleak.h"
#include "afterleak/census/judge.h"
#include "afterleak/heap/heap.h"
#include "workshop/check.h"

namespace workshop {

// Made and ended by the goroutine that does the part; one at a time.
class PartInProgress {
 public:
  PartInProgress();
  ~PartInProgress();
  PartInProgress(const PartInProgress&) = delete;
  PartInProgress& operator=(const PartInProgress&) = delete;

  // Waits until every call has ended; then the failure that names what is left, if anything is.
  std::optional<Failure> End();

  // What the code of the part has on the heap.
  heap::Usage heap_usage() const { return scope_.usage(); }

  const Inventory began;  // what was alive
  const std::shared_ptr<sync::WaitGroup> calls = std::make_shared<sync::WaitGroup>();

 private:
  const heap::Scope scope_;
};

// Throws the Failure of what is wrong with a load that has done its turns.
void JudgeLoad(const Load& load, const Exercise& exercise);

}  // namespace workshop
