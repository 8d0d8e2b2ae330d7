// The command line: what it says, and what that means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stage/pattern.h"
#include "stage/timeline.h"

namespace cli {

// What the command line says, before it is understood.
struct Arguments {
  bool list_as_json = false;
  std::string pattern;
  std::string variant = "leaky";
  std::optional<std::string> workload;
  std::string length = "60s";
  std::string clock = "virtual";
  std::string timers = "go122";
  std::string sample = "1s";
  std::uint64_t seed = 1;
  std::int64_t tempo = 1;
  std::string csv;
  std::string json;
  bool plot = false;
  std::string expect;
  std::vector<std::string> checkpoints;
  std::string exit = "torn-down";
  bool journal = false;
  bool plant_leak = false;
  std::string article;
  std::string out;
};

// Each of these throws std::invalid_argument with one line for the user.
const afterleak::Pattern& FindPattern(const std::string& name);
afterleak::RunOptions Understand(const afterleak::Pattern& pattern, const Arguments& arguments);

}  // namespace cli
