// The timers of a report by call stack, for pprof, speedscope and what else draws stacks.
#pragma once

#include <chrono>
#include <string>

#include "watch/report.h"

namespace afterleak::watch {

// A profile.proto, compressed (github.com/google/pprof/blob/main/proto/profile.proto). Its values:
// how many are live, are idle, and were ever armed; a sample has its kind as a label. Functions,
// files and lines are in it, and of each program and library what tells its build. The addresses
// must have names (SharedRecord::NameItsAddresses). Throws std::bad_alloc.
std::string ToPprof(const Report& report, std::chrono::system_clock::time_point now);

}  // namespace afterleak::watch
