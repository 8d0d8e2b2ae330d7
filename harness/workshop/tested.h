// For the exercises in which the learner writes a test: it is run on code that the learner does not
// see, each piece of it in a process for itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workshop/check.h"

namespace workshop {

struct Tested {
  std::string does;              // the end of a sentence that begins with "one that"
  std::function<void()> choose;  // called in its process, before the tests
};

// The check of the exercise defines this.
struct AllTested {
  const char* things;         // what its sentences call them
  std::vector<Tested> sound;  // they leave nothing behind: the learner's tests must pass
  std::vector<Tested> leaky;
};
const AllTested& TestedByTheLearner();

// Runs the learner's tests on each. Throws a Failure that names those judged wrongly.
void RunTheTests();

}  // namespace workshop
