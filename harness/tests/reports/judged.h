// What the judge says of a program of this folder.
#pragma once

#include <string>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/judge.h"
#include "tests/reports/registry.h"

namespace cases {

struct Judgement {
  // One for each site and kind of leak.
  std::vector<afterleak::Finding> findings;

  // "file:line" of each Reset that left the value of an expired timer in its channel.
  std::vector<std::string> stale;
};

// Runs the program twice. Under a load of 150 s: whether anything is abandoned, grows, or is left
// two seconds after its end. Under fifty short loads, one after the other: whether each leaves
// something, on the heap too where that is counted.
Judgement Judge(const Program& program, afterleak::TimerMode mode);

}  // namespace cases
