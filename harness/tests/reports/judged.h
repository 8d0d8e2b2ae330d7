// What the judge says of a program of this folder.
#pragma once

#include <string>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/judge.h"
#include "tests/reports/registry.h"

namespace cases {

struct Judgement {
  std::vector<afterleak::Finding> findings;  // one for each site and kind of leak
  std::vector<std::string>
      stale;  // "file:line" of each Stop or Reset that left a value in a channel
};

// Runs the program twice. Under a load of 150 s: whether anything is abandoned, grows, or is left
// two seconds after its end. Under fifty short loads, one after the other: whether each leaves
// something, on the heap too where that is counted.
Judgement Judge(const Program& program, afterleak::TimerMode mode);

}  // namespace cases
