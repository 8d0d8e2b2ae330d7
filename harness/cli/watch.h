// `afterleak watch`: its part of the command line, and what it does.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

// What the command line says, before it is interpreted.
struct WatchArguments {
  std::optional<std::string> every;
  std::optional<std::string> length;
  bool top = false;
  bool follow = false;
  bool is_virtual = false;
  std::string color = "auto";
  std::optional<std::string> csv;
  std::optional<std::string> json;
  std::optional<std::string> sarif;
  std::optional<std::string> openmetrics;
  std::optional<std::string> pprof;
  std::optional<std::string> trace;
  std::vector<std::string> fail_on;
  std::vector<std::string> allow;
  std::optional<std::string> allow_file;
  std::optional<std::string> against;
  std::vector<std::string> command;
};

void AddWatchFlags(CLI::App& command, WatchArguments& arguments);

// Which arguments are ours, from argv[2] on, and which are the program and what it gets: the first
// that is no flag of `command`, and all behind it; or all behind a "--".
struct Split {
  int flags_end;
  int command;
};
Split SplitCommandLine(const CLI::App& command, int argc, char** argv);

// Runs the program and reports. Returns the exit code, or ends as the program did if that was by a
// signal. Throws std::invalid_argument with one line for the user, and FileError.
int Watch(const WatchArguments& arguments);

}  // namespace cli
