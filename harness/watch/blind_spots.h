// What of a program cannot be seen, found by a look at its file before it is started.
#pragma once

#include <string>
#include <vector>

namespace afterleak::watch {

// A line for each blind spot: what, and the cure if there is one. Of a script, those of its
// interpreter. None for a file that cannot be read.
std::vector<std::string> BlindSpots(const std::string& file);

// Why nothing is preloaded into it, or why it does not ask the C library for the time; empty if
// neither is known.
std::string WhyNotVirtual(const std::string& file);

}  // namespace afterleak::watch
