// What the program does: one function for each command. Each prints, and returns the exit code.
#pragma once

#include "cli/arguments.h"

namespace cli {

constexpr int kAsExpected = 0;
constexpr int kNotAsExpected = 1;
constexpr int kBadInput = 2;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as in shells
constexpr int kReaderGone = 141;   // 128 + SIGPIPE

int List(const Arguments& arguments);
int Run(const Arguments& arguments);
int Compare(const Arguments& arguments);
int ReproduceResults(const Arguments& arguments);

}  // namespace cli
