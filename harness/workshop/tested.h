// For the exercises in which the learner writes a test: it is run on code that the learner does not
// see, each piece of it in a process for itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workshop/check.h"

namespace workshop {

struct Tested {
  bool right;                    // it leaves nothing behind: the learner's tests must pass
  std::string does;              // the end of a sentence that begins with "one that"
  std::function<void()> choose;  // called in its process, before the tests
};

// The check of the exercise defines this.
struct AllTested {
  const char* things;  // what its sentences call them
  std::vector<Tested> all;
};
const AllTested& TestedByTheLearner();

// Runs the learner's tests on each. Throws a Failure that names those judged wrongly.
void RunTheTests();

}  // namespace workshop
