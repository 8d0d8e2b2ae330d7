// What the cases are written on. A case is a function Run(Bubble&) that starts the load; `More()`
// says whether the load goes on, so that a test can stop it and look at what is left.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/afterleak.h"

namespace cases {
using namespace afterleak;
using namespace std::chrono_literals;

inline Time stop_at = Time::max();  // set before Run
inline bool More() { return time::Now() < stop_at; }
}  // namespace cases
