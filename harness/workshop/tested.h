// For the exercises in which the learner writes a test: it is run on servers that the learner does
// not see, each in a process for itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {

using Server = std::function<void(const Chan<Order>&, const Backend&, Duration limit)>;

struct TestedServer {
  bool right;        // it leaves nothing behind: the learner's tests must pass
  std::string does;  // the end of a sentence that begins with "one that"
  Server serve;
};

// The check of the exercise defines this.
const std::vector<TestedServer>& TestedServers();

// The one that this process is for.
const Server& ServerUnderTest();

// Runs the learner's tests on each server. Throws a Failure that names those judged wrongly.
void RunTheTests();

}  // namespace workshop
