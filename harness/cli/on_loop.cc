// afterleak_on_LIBRARY: the pairs on the event loop that this program is linked with. With --on,
// `afterleak` becomes it; leak detectors run it by itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <stdexcept>

#include "afterleak/loops/interpose.h"
#include "cli/arguments.h"
#include "cli/beside.h"
#include "cli/command_line.h"
#include "cli/output.h"
#include "pairs/loops/loop_stage.h"

namespace afterleak::loops::internal {

// Nothing but the loop has a timerfd here. The library's looks into the symbols, and their
// megabytes would hide what the pair allocates.
bool CalledByLoop(const void*) { return true; }

}  // namespace afterleak::loops::internal

namespace {

using namespace afterleak;

std::atomic<bool> interrupted = false;

// Ctrl-C asks for an orderly end; a second one ends the process as usual.
void HearInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
}

// With `--csv -` alone nobody asks for a verdict: to reach one it would read its own symbols, which
// looks like a leak to a detector.
bool AsksForSamplesAlone(const cli::Arguments& arguments) {
  return arguments.csv == "-" && !arguments.json && !arguments.sarif && arguments.expect.empty();
}

Timeline RunOnThisLoop(const Pattern& pattern, const RunOptions& options,
                       const cli::Arguments& arguments) {
  HearInterrupt();
  const bool pending = arguments.exit == "pending";
  pairs::LoopRun run =
      pairs::RunOnLoop(arguments.on, pattern.name, options,
                       {.judged = !AsksForSamplesAlone(arguments),
                        .end = pending ? pairs::LoopEnd::kPending : pairs::LoopEnd::kTornDown,
                        .interrupted = &interrupted});
  // Volatile, so that leak checkers find it referred to.
  [[maybe_unused]] static void* volatile kept = nullptr;
  kept = run.pending;
  return std::move(run.timeline);
}

int Main(int argc, char** argv) {
  cli::Arguments arguments;
  arguments.on = pairs::kLoopLibrary;
  CLI::App app(fmt::format("Runs pairs on {}, in virtual time.", pairs::kLoopLibrary), "afterleak");
  app.require_subcommand(1);
  const cli::PairCommands commands(app, arguments);
  if (const auto answered = cli::Parse(app, cli::CommandOf(app, argc, argv), argc, argv))
    return *answered;
  if (cli::LibraryOf(arguments.on) != pairs::kLoopLibrary) {
    throw std::invalid_argument(fmt::format("--on {}: this program is linked with {} alone",
                                            arguments.on, pairs::kLoopLibrary));
  }
  return commands.Do(RunOnThisLoop);
}

}  // namespace

int main(int argc, char** argv) { return cli::MainOf(&Main, argc, argv); }
