// The command line: what it says, and what that means.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
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
  std::optional<std::string> sample;
  std::string seed = "1";
  std::string tempo = "1";
  std::optional<std::string> csv;
  std::optional<std::string> json;
  bool plot = false;
  std::string expect;
  std::vector<std::string> checkpoints;
  std::string exit = "torn-down";
  bool journal = false;
  bool plant_leak = false;
  std::string article;
  std::string out;
};

// The files that a run writes.
struct Files {
  std::optional<OutputFile> csv;
  std::optional<OutputFile> json;

  // Standard output is a file of data then, with nothing else in it.
  bool TakeStdout() const;
};

// All that the command line asks for is judged here, each argument alone and beside the
// others. What CLI11 sees by itself (an unknown flag, a word that is not in a list, a flag
// that needs another) it has refused before. Each of these throws std::invalid_argument with
// one line for the user.
const afterleak::Pattern& FindPattern(const std::string& name);
afterleak::RunOptions Understand(const afterleak::Pattern& pattern, const Arguments& arguments);
// Leaves no trace if the run does not come to its end. Throws afterleak::FileError too.
void Open(const Arguments& arguments, Files* files);
std::filesystem::path FolderOf(const Arguments& arguments);

}  // namespace cli
