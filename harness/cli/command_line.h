// The commands on pairs, and how a command line is parsed: the same in `afterleak` and in the
// programs that it becomes for --on.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "cli/arguments.h"
#include "cli/commands.h"

namespace cli {

// list, run and compare.
class PairCommands {
 public:
  // Adds them, with their flags, which fill `arguments`. Both must outlive this.
  PairCommands(CLI::App& app, Arguments& arguments);

  bool IsList() const { return list_.parsed(); }

  // Does the one that was parsed, and returns the exit code.
  int Do(const RunSide& run_side) const;

 private:
  CLI::App& list_;
  CLI::App& run_;
  CLI::App& compare_;
  const Arguments& arguments_;
};

// The command that a command line begins with; `app` itself if it is a flag, or there is none.
// Throws std::invalid_argument if there is no such command.
CLI::App& CommandOf(CLI::App& app, int argc, char** argv);

// Parses a line that is for `command`. Returns the exit code if it asked for help or the version,
// which is printed then. Throws std::invalid_argument with one line for the user.
std::optional<int> Parse(CLI::App& app, const CLI::App& command, int argc, char** argv);

}  // namespace cli
