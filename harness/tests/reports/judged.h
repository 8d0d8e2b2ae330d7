// What the judge says of a program of this folder.
#pragma once

#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/judge.h"
#include "tests/reports/registry.h"

namespace cases {

// Runs the program twice, and returns what was found, once for each site: under a load of 150 s,
// whether anything is abandoned, grows, or is left two seconds after its end; and under fifty short
// loads one after the other, whether each leaves something, on the heap too.
std::vector<afterleak::Finding> Judged(const Program& program, afterleak::TimerMode mode);

}  // namespace cases
