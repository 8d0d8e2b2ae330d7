#include "cli/command_line.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>
#include <string>

#include "cli/output.h"

namespace cli {
namespace {

void AddOn(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--on", arguments.on,
                  "an event loop: the pair as a programmer of it\n"
                  "writes it. libuv, libevent, glib, asio, or\n"
                  "coroutines (those of Asio)")
      ->check(CLI::IsMember({"libuv", "libevent", "glib", "asio", "coroutines"}))
      ->option_text("LOOP");
}

void AddRunFlags(CLI::App& command, Arguments& arguments) {
  command.add_option("PATTERN", arguments.pattern, "a name from `afterleak list`")
      ->required()
      ->option_text(" ");
  command
      .add_option("--workload", arguments.workload,
                  "idle, message@1s or signal@1s (one, then),\n"
                  "busy:1000/s; if not given, the usual one")
      ->type_name("WORKLOAD");
  AddOn(command, arguments);
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

}  // namespace

PairCommands::PairCommands(CLI::App& app, Arguments& arguments)
    : list_(*app.add_subcommand("list", "the patterns, and the workloads that show what they do")),
      run_(*app.add_subcommand("run",
                               "one side of a pattern: samples, a census by line, a verdict")),
      compare_(*app.add_subcommand("compare", "both sides of a pattern: one table, one plot")),
      arguments_(arguments) {
  list_.add_flag("--json", arguments.list_as_json, "as JSON, with all that is known of them");
  AddOn(list_, arguments);
  AddRunFlags(run_, arguments);
  run_.add_option("--variant", arguments.variant, "leaky (the default) or fixed")
      ->check(CLI::IsMember({"leaky", "fixed"}))
      ->option_text("SIDE");
  run_.add_option("--csv", arguments.csv,
                  "write the samples to this file; - is standard\n"
                  "output, which then shows nothing else")
      ->type_name("FILE");
  CLI::Option* const json =
      run_.add_option("--json", arguments.json, "write everything to this file, or to -")
          ->type_name("FILE");
  run_.add_flag("--plot", arguments.plot, "draw live timers over time");
  run_.add_option("--expect", arguments.expect,
                  "exit with 1 if it is not so; repeatable, or a,b:\n"
                  "  no-abandoned  nobody lost what is pending\n"
                  "  not-growing   at constant load, no rise\n"
                  "  bounded       neither of the two\n"
                  "  nothing-left  the load ends, all is gone\n"
                  "  leak          something is found")
      ->delimiter(',')
      ->check(CLI::IsMember({"no-abandoned", "not-growing", "bounded", "nothing-left", "leak"}))
      ->option_text("WHAT");
  run_.add_option("--sarif", arguments.sarif,
                  "write the findings to this file, or to -, for\n"
                  "GitHub's code scanning")
      ->type_name("FILE");
  run_.add_option("--format", arguments.format,
                  "text (the default) or github: also annotate the\n"
                  "lines in a GitHub workflow")
      ->check(CLI::IsMember({"text", "github"}))
      ->option_text("FORMAT");
  run_.add_option("--checkpoints", arguments.checkpoints,
                  "instants at which the heap tool that this runs\n"
                  "under is told to look: 0s,30s,60s")
      ->delimiter(',')
      ->option_text("INSTANTS");
  run_.add_option("--exit", arguments.exit,
                  "torn-down (the default) or pending: end with\n"
                  "the timers gone, or as they are")
      ->check(CLI::IsMember({"torn-down", "pending"}))
      ->option_text("HOW");
  run_.add_flag("--journal", arguments.journal, "put the life of every timer into the JSON")
      ->needs(json);
  run_.add_flag("--plant-leak", arguments.plant_leak,
                "lose a block of 7777 bytes first, which a leak\n"
                "checker has to find");
  run_.footer(
      "For example:\n"
      "  afterleak run looping_select --variant leaky --for 5m --plot\n"
      "  afterleak run early_return --variant fixed --expect bounded\n");
  AddRunFlags(compare_, arguments);
  compare_
      .add_option("--expect", arguments.expect,
                  "what holds on the fixed side and not on the\n"
                  "leaky one: bounded (the default in go122),\n"
                  "no-abandoned, not-growing, nothing-left")
      ->delimiter(',')
      ->check(CLI::IsMember({"no-abandoned", "not-growing", "bounded", "nothing-left"}))
      ->option_text("WHAT");
  compare_.add_option("--json", arguments.json, "write everything to this file, or to -")
      ->type_name("FILE");
}

int PairCommands::Do(const RunSide& run_side) const {
  if (run_.parsed()) return Run(arguments_, run_side);
  if (compare_.parsed()) return Compare(arguments_, run_side);
  return List(arguments_);
}

CLI::App& CommandOf(CLI::App& app, int argc, char** argv) {
  if (argc < 2 || app.get_option_no_throw(argv[1]) != nullptr) return app;
  std::string names;
  for (CLI::App* const each : app.get_subcommands([](CLI::App*) { return true; })) {
    if (each->get_name() == argv[1]) return *each;
    names += (names.empty() ? "" : ", ") + each->get_name();
  }
  throw std::invalid_argument(fmt::format("unknown command \"{}\"; there are: {}", argv[1], names));
}

std::optional<int> Parse(CLI::App& app, const CLI::App& command, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // for help, or the version
    std::ostringstream answer;
    const int exit_code = app.exit(asked, answer, answer);
    Print(answer.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    const std::string name = &command == &app ? "" : command.get_name() + " ";
    throw std::invalid_argument(
        fmt::format("{}; see afterleak {}--help", WhatIsWrong(command, error), name));
  }
  return std::nullopt;
}

}  // namespace cli
