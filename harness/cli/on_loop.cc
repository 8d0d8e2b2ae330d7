// afterleak_on_LIBRARY: a pair on the event loop that this program is linked with, for the leak
// detectors. Its command line is that of `afterleak run`, as far as they use it. Only with --json
// does it judge: reading its own symbols would look like a leak.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <stdexcept>

#include "afterleak/loops/interpose.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/show.h"
#include "pairs/loops/loop_stage.h"
#include "stage/probe.h"

namespace afterleak::loops::internal {

// Nothing but the loop has a timerfd here. The library's looks into the symbols, and their
// megabytes would hide what the pair allocates.
bool CalledByLoop(const void*) { return true; }

}  // namespace afterleak::loops::internal

namespace {

int Main(int argc, char** argv) {
  cli::Arguments arguments;
  CLI::App app(fmt::format("Runs a pair on {} in virtual time.", pairs::kLoopLibrary),
               fmt::format("afterleak_on_{}", pairs::kLoopLibrary));
  app.require_subcommand(1);
  CLI::App& run = *app.add_subcommand("run", "one side of a pair, as `afterleak run` does it");
  run.add_option("PATTERN", arguments.pattern)->required();
  run.add_option("--variant", arguments.variant)->check(CLI::IsMember({"leaky", "fixed"}));
  run.add_option("--workload", arguments.workload);
  run.add_option("--for", arguments.length);
  run.add_option("--sample", arguments.sample);
  run.add_option("--checkpoints", arguments.checkpoints)->delimiter(',');
  run.add_option("--exit", arguments.exit)->check(CLI::IsMember({"torn-down", "pending"}));
  run.add_option("--json", arguments.json);
  run.add_flag("--plant-leak", arguments.plant_leak);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    throw std::invalid_argument(fmt::format("{}; see {} --help", error.what(), app.get_name()));
  }

  const afterleak::RunOptions options =
      cli::Understand(cli::FindPattern(arguments.pattern), arguments);
  cli::Files files;
  cli::Open(arguments, &files);
  if (arguments.plant_leak) afterleak::probe::PlantLeak();
  const auto end =
      arguments.exit == "pending" ? pairs::LoopEnd::kPending : pairs::LoopEnd::kTornDown;
  const pairs::LoopRun done = pairs::RunOnLoop(pairs::MakeHost, arguments.pattern, options, end,
                                               arguments.json.has_value());
  // Volatile, so that leak checkers find it referred to.
  [[maybe_unused]] static void* volatile kept = nullptr;
  kept = done.pending;

  if (files.json) files.json->Write(ToJson(done.timeline));
  if (!files.TakeStdout())
    cli::Print(arguments.json ? cli::ShowRun(done.timeline) : ToCsv(done.timeline));
  return cli::kAsExpected;
}

}  // namespace

int main(int argc, char** argv) { return cli::MainOf(&Main, argc, argv); }
