// The program afterleak: runs the pairs and reports what their timers do. This file is its command
// line; commands.h is what it does.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "afterleak/version.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/watch.h"

namespace {

void AddRunFlags(CLI::App& command, cli::Arguments& arguments) {
  command.add_option("PATTERN", arguments.pattern, "a name from `afterleak list`")
      ->required()
      ->option_text(" ");
  command
      .add_option("--workload", arguments.workload,
                  "idle, message@1s or signal@1s (one, then),\n"
                  "busy:1000/s; if not given, the usual one")
      ->type_name("WORKLOAD");
  command.add_option("--for", arguments.length, "how long (60s); as Go writes it: 250ms, 1m30s")
      ->type_name("DURATION");
  command.add_option("--clock", arguments.clock, "virtual (takes no time; the default) or real")
      ->check(CLI::IsMember({"virtual", "real"}))
      ->option_text("CLOCK");
  command
      .add_option("--timers", arguments.timers,
                  "go122 (kept until they fire or are stopped;\n"
                  "the default) or go123 (collected)")
      ->check(CLI::IsMember({"go122", "go123"}))
      ->option_text("MODE");
  command.add_option("--sample", arguments.sample, "the time between two samples (1s, or the run)")
      ->type_name("DURATION");
  command.add_option("--tempo", arguments.tempo, "divide the delays of the pattern by this (1)")
      ->type_name("N");
  command.add_option("--seed", arguments.seed, "of the choice among ready cases (1)")
      ->type_name("N");
  command
      .add_option("--allow", arguments.allow,
                  "what is meant to stay, repeatable: at most N\n"
                  "(any number) at a FILE, FILE:LINE or function")
      ->option_text("SITE[=N]");
  command
      .add_option("--allow-file", arguments.allow_file, "the same from a file, one SITE [N] a line")
      ->type_name("FILE");
}

// CLI11's message for a repeated flag: "At Most 1 required but received 2".
std::string WhatIsWrong(const CLI::App& command, const CLI::ParseError& error) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_items_expected_max() == 1 && option->count() > 1)
      return fmt::format("{} is given more than once", option->get_name());
  }
  return error.what();
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
      "  afterleak run looping_select --variant leaky --workload busy:1000/s --plot\n\n"
      "Exit code: 0 it ran and what was expected held; 1 it did not hold;\n"
      "2 bad input, or output that cannot be written; 130 interrupted.");
  cli::Arguments arguments;
  CLI::App& list =
      *app.add_subcommand("list", "the patterns, and the workloads that show what they do");
  list.add_flag("--json", arguments.list_as_json, "as JSON, with all that is known of them");
  CLI::App& run =
      *app.add_subcommand("run", "one side of a pattern: samples, a census by line, a verdict");
  CLI::App& compare =
      *app.add_subcommand("compare", "both sides of a pattern: one table, one plot");
  CLI::App& reproduce =
      *app.add_subcommand("reproduce", "every pattern, and the files of results/");
  CLI::App& watch =
      *app.add_subcommand("watch", "the timers of any program, by site: peaks, what leaks");
  AddRunFlags(run, arguments);
  run.add_option("--variant", arguments.variant, "leaky (the default) or fixed")
      ->check(CLI::IsMember({"leaky", "fixed"}))
      ->option_text("SIDE");
  run.add_option("--csv", arguments.csv,
                 "write the samples to this file; - is standard\n"
                 "output, which then shows nothing else")
      ->type_name("FILE");
  CLI::Option* const json =
      run.add_option("--json", arguments.json, "write everything to this file, or to -")
          ->type_name("FILE");
  run.add_flag("--plot", arguments.plot, "draw live timers over time");
  run.add_option("--expect", arguments.expect,
                 "exit with 1 if it is not so; repeatable, or a,b:\n"
                 "  no-abandoned  nobody lost what is pending\n"
                 "  not-growing   at constant load, no rise\n"
                 "  bounded       neither of the two\n"
                 "  nothing-left  the load ends, all is gone\n"
                 "  leak          something is found")
      ->delimiter(',')
      ->check(CLI::IsMember({"no-abandoned", "not-growing", "bounded", "nothing-left", "leak"}))
      ->option_text("WHAT");
  run.add_option("--sarif", arguments.sarif,
                 "write the findings to this file, or to -, for\n"
                 "GitHub's code scanning")
      ->type_name("FILE");
  run.add_option("--format", arguments.format,
                 "text (the default) or github: also annotate the\n"
                 "lines in a GitHub workflow")
      ->check(CLI::IsMember({"text", "github"}))
      ->option_text("FORMAT");
  run.add_option("--checkpoints", arguments.checkpoints,
                 "instants at which the heap tool that this runs\n"
                 "under is told to look: 0s,30s,60s")
      ->delimiter(',')
      ->option_text("INSTANTS");
  run.add_option("--exit", arguments.exit,
                 "torn-down (the default) or pending: end with\n"
                 "the timers gone, or as they are")
      ->check(CLI::IsMember({"torn-down", "pending"}))
      ->option_text("HOW");
  run.add_flag("--journal", arguments.journal, "put the life of every timer into the JSON")
      ->needs(json);
  run.add_flag("--plant-leak", arguments.plant_leak,
               "lose a block of 7777 bytes first, which a leak\n"
               "checker has to find");
  run.footer(
      "For example:\n"
      "  afterleak run looping_select --variant leaky --for 5m --plot\n"
      "  afterleak run early_return --variant fixed --expect bounded\n");
  AddRunFlags(compare, arguments);
  compare
      .add_option("--expect", arguments.expect,
                  "what holds on the fixed side and not on the\n"
                  "leaky one: bounded (the default in go122),\n"
                  "no-abandoned, not-growing, nothing-left")
      ->delimiter(',')
      ->check(CLI::IsMember({"no-abandoned", "not-growing", "bounded", "nothing-left"}))
      ->option_text("WHAT");
  compare.add_option("--json", arguments.json, "write everything to this file, or to -")
      ->type_name("FILE");
  reproduce.add_option("--out", arguments.out, "the folder to write to")->required();
  reproduce.add_option("--article", arguments.article, "print what is of this one: A or B")
      ->check(CLI::IsMember({"A", "B"}))
      ->option_text("ARTICLE");

  cli::WatchArguments watched;
  cli::AddWatchFlags(watch, watched);

  app.set_version_flag("--version", "afterleak " AFTERLEAK_VERSION, "print the version and exit");

  const CLI::App* command = &app;  // the one that an error is about
  if (argc > 1 && app.get_option_no_throw(argv[1]) == nullptr) {
    const std::vector<CLI::App*> same =
        app.get_subcommands([&](CLI::App* each) { return each->get_name() == argv[1]; });
    if (same.empty())
      throw std::invalid_argument(fmt::format(
          "unknown command \"{}\"; there are: list, run, compare, reproduce, watch", argv[1]));
    command = same.front();
  }
  if (command == &watch) {
    const cli::Split split = cli::SplitCommandLine(watch, argc, argv);
    watched.command.assign(argv + split.command, argv + argc);
    argc = split.flags_end;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // for help, or the version
    std::ostringstream answer;
    const int exit_code = app.exit(asked, answer, answer);
    cli::Print(answer.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    const std::string name = command == &app ? "" : command->get_name() + " ";
    throw std::invalid_argument(
        fmt::format("{}; see afterleak {}--help", WhatIsWrong(*command, error), name));
  }

  if (run.parsed()) return cli::Run(arguments);
  if (compare.parsed()) return cli::Compare(arguments);
  if (reproduce.parsed()) return cli::ReproduceResults(arguments);
  if (watch.parsed()) return cli::Watch(watched);
  return cli::List(arguments);
}

}  // namespace

int main(int argc, char** argv) { return cli::MainOf(&Main, argc, argv); }
