// The command line: what it says and what that means.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "stage/pattern.h"
#include "stage/timeline.h"

namespace cli {

// What the command line says, before it is interpreted.
struct Arguments {
  bool list_as_json = false;
  std::string on;  // an event loop; empty: the run-time of this library
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
  std::vector<std::string> expect;
  std::vector<std::string> allow;
  std::optional<std::string> allow_file;
  std::optional<std::string> sarif;
  std::string format = "text";
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
  std::optional<OutputFile> sarif;

  // If true, standard output is a data file with nothing else in it.
  bool TakeStdout() const;
};

// What a run is expected to be: free of some kinds of leak, or leaky.
// Nobody can tell whether a timer of an event loop is abandoned: there, bounded also asks that
// nothing is left behind.
struct Expectation {
  std::string words{};  // as given, for messages; empty: nothing is expected
  bool leak = false;
  std::vector<afterleak::Leak> none{};  // the kinds that must not be found

  bool Asks(afterleak::Leak kind) const;

  // The first finding that breaks it; null if none does.
  const afterleak::Finding* Broken(const afterleak::Timeline& timeline) const;
};

// The patterns that there are on an event loop, or all.
std::vector<const afterleak::Pattern*> PatternsOn(const std::string& loop);

// Judges everything that the command line asks for, each argument alone and in combination. CLI11
// has already refused what it sees by itself: an unknown flag, a word not in a list, a flag that
// needs another. Each of these throws std::invalid_argument with one line for the user.
const afterleak::Pattern& FindPattern(const Arguments& arguments);
afterleak::RunOptions Understand(const afterleak::Pattern& pattern, const Arguments& arguments);
Expectation ExpectationOf(const Arguments& arguments);
afterleak::Allowance AllowanceOf(const std::vector<std::string>& sites,
                                 const std::optional<std::string>& file);
// Leaves no trace if the run does not finish. Also throws afterleak::FileError.
void Open(const Arguments& arguments, Files* files);
std::filesystem::path FolderOf(const Arguments& arguments);

}  // namespace cli
