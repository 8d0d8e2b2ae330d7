// The program afterleak: runs the pairs and reports what their timers do. This file is its command
// line; commands.h is what it does.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>

#include "afterleak/afterleak.h"
#include "afterleak/version.h"
#include "cli/arguments.h"
#include "cli/beside.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/reproduce.h"
#include "cli/watch.h"
#include "stage/timeline.h"

namespace {

// On the run-time of the library.
afterleak::Timeline RunInBubble(const afterleak::Pattern& pattern,
                                const afterleak::RunOptions& options,
                                const cli::Arguments& arguments, const std::stop_token& stop) {
  auto bubble = std::make_unique<afterleak::Bubble>(options.bubble);
  afterleak::Timeline timeline = RunPattern(pattern, options, *bubble, stop);
  // With --exit pending the process ends with its timers still pending, as a server does. Volatile,
  // so that leak checkers find it referred to.
  [[maybe_unused]] static afterleak::Bubble* volatile kept = nullptr;
  if (arguments.exit == "pending") kept = bubble.release();
  return timeline;
}

int ReproduceResults(const cli::Arguments& arguments) {
  const std::filesystem::path out = cli::FolderOf(arguments);
  const cli::InterruptWatch interrupt;
  const int exit_code = cli::Reproduce(out, arguments.article, interrupt.token());
  if (exit_code == cli::kInterrupted)
    cli::Complain(fmt::format("interrupted; nothing was written to {}", out.string()));
  return exit_code;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Runs pairs of leaky and fixed programs, and tells which of their timers nobody can hear any "
      "more.",
      "afterleak");
  app.require_subcommand(1);
  app.footer(
      "Begin with:\n"
      "  afterleak list\n"
      "  afterleak compare looping_select\n"
      "  afterleak compare looping_select --on libuv\n"
      "  afterleak run looping_select --variant leaky --workload busy:1000/s --plot\n\n"
      "Exit code: 0 it ran and what was expected held; 1 it did not hold;\n"
      "2 bad input, or output that cannot be written; 130 interrupted.");
  cli::Arguments arguments;
  const cli::PairCommands commands(app, arguments);
  CLI::App& reproduce =
      *app.add_subcommand("reproduce", "every pattern, and the files of results/");
  reproduce.add_option("--out", arguments.out, "the folder to write to")->required();
  reproduce.add_option("--article", arguments.article, "print what is of this one: A or B")
      ->check(CLI::IsMember({"A", "B"}))
      ->option_text("ARTICLE");
  CLI::App& watch =
      *app.add_subcommand("watch", "the timers of any program, by site: peaks, what leaks");
  cli::WatchArguments watched;
  cli::AddWatchFlags(watch, watched);
  app.set_version_flag("--version", "afterleak " AFTERLEAK_VERSION, "print the version and exit");

  const CLI::App& command = cli::CommandOf(app, argc, argv);
  if (&command == &watch) {
    const cli::Split split = cli::SplitCommandLine(watch, argc, argv);
    watched.command.assign(argv + split.command, argv + argc);
    argc = split.flags_end;
  }
  if (const auto answered = cli::Parse(app, command, argc, argv)) return *answered;

  if (watch.parsed()) return cli::Watch(watched);
  if (!arguments.on.empty() && !commands.IsList()) cli::BecomeProgramOn(arguments.on, argv);
  if (reproduce.parsed()) return ReproduceResults(arguments);
  std::optional<cli::InterruptWatch> interrupt;  // from the first run on
  return commands.Do([&](const auto& pattern, const auto& options, const auto& given) {
    if (!interrupt) interrupt.emplace();
    return RunInBubble(pattern, options, given, interrupt->token());
  });
}

}  // namespace

int main(int argc, char** argv) { return cli::MainOf(&Main, argc, argv); }
