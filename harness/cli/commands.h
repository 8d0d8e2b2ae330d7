// What is done with pairs: one function for each command. Each prints, and returns the exit code.
// The programs for event loops (on_loop.cc) share them, and run a side in another way.
#pragma once

#include <functional>

#include "cli/arguments.h"
#include "stage/pattern.h"
#include "stage/timeline.h"

namespace cli {

constexpr int kAsExpected = 0;
constexpr int kNotAsExpected = 1;
constexpr int kBadInput = 2;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as in shells
constexpr int kReaderGone = 141;   // 128 + SIGPIPE

// Runs one side of a pattern, and ends early at Ctrl-C. With Arguments::exit "pending" what it
// leaves behind stays as it is until the process ends.
using RunSide = std::function<afterleak::Timeline(const afterleak::Pattern&,
                                                  const afterleak::RunOptions&, const Arguments&)>;

int List(const Arguments& arguments);
int Run(const Arguments& arguments, const RunSide& run_side);
int Compare(const Arguments& arguments, const RunSide& run_side);

}  // namespace cli
