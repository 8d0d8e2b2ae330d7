#include "cli/watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "afterleak/census/duration.h"
#include "cli/arguments.h"
#include "cli/beside.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/top.h"
#include "cli/watch_files.h"
#include "watch/child.h"
#include "watch/record.h"
#include "watch/watching.h"

namespace cli {
namespace {

using namespace afterleak;

constexpr int kNothingArmed = 3;
constexpr char kPreloaded[] = "libafterleak_watch.so";
constexpr char kVirtualPreloaded[] = "libafterleak_watch_virtual.so";
constexpr Duration kKeepEvery = std::chrono::seconds(10);  // as the help says
constexpr int kIndent = 8;  // of lines that continue one that is too long

// LD_PRELOAD separates by blanks and colons. A file whose path has one is reached by another: its
// descriptor stays open as long as this process.
std::string WithoutSeparators(const std::string& path) {
  if (path.find_first_of(" :") == std::string::npos) return path;
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw std::invalid_argument(
        fmt::format("{}: {}", path, std::generic_category().message(errno)));
  return fmt::format("/proc/{}/fd/{}", getpid(), descriptor);
}

std::optional<Duration> DurationOf(const char* flag, const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  try {
    return ParsePositiveDuration(*text);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{} {}", flag, error.what()));
  }
}

void Check(const WatchArguments& arguments) {
  if (arguments.command.empty())
    throw std::invalid_argument("watch what? Write afterleak watch [FLAGS] PROGRAM [ARGUMENTS]");
  if (arguments.top && arguments.follow)
    throw std::invalid_argument("--top shows one process; leave out --follow, or --top");
  if (arguments.is_virtual && arguments.follow)
    throw std::invalid_argument("--virtual is for one process; leave out --follow, or --virtual");
  if (arguments.is_virtual && arguments.top)
    throw std::invalid_argument("--top shows real time; leave out --virtual, or --top");
}

std::optional<watch::Earlier> EarlierOf(const std::optional<std::string>& path) {
  if (!path) return std::nullopt;
  std::ifstream file(*path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!file.is_open())
    throw std::invalid_argument(fmt::format("--against {}: it cannot be read", *path));
  try {
    return watch::ReadEarlier(text);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("--against {}: {}", *path, error.what()));
  }
}

bool UseColor(const std::string& when) {
  return when == "always" || (when == "auto" && std::getenv("NO_COLOR") == nullptr);
}

std::int64_t ArmedByAll(const watch::Report& report) {
  std::int64_t armed = report.Armed();
  for (const watch::Report& child : report.children) armed += child.Armed();
  return armed;
}

// The first finding for which the run is to fail; null if there is none.
const Finding* FirstToFailOn(const std::vector<std::string>& words, const watch::Report& report) {
  const auto asks = [&](std::string_view word) {
    return std::ranges::find(words, word) != words.end();
  };
  for (const Finding& finding : report.findings) {
    if (asks(finding.leak == Leak::kGrowing ? "grows" : "leak")) return &finding;
  }
  if (asks("idle") && !report.idle.empty()) return &report.idle.front();
  for (const watch::Report& child : report.children) {
    if (const Finding* const found = FirstToFailOn(words, child)) return found;
  }
  return nullptr;
}

}  // namespace

void AddWatchFlags(CLI::App& command, WatchArguments& arguments) {
  command
      .add_option("PROGRAM", arguments.command, "and its arguments: all that follows is its own")
      ->option_text("...");
  command.add_option("--every", arguments.every, "report every so often: 10s, 5m")
      ->type_name("DURATION");
  command
      .add_option("--for", arguments.length,
                  "then end the program, by SIGTERM and 5 s later\nby SIGKILL")
      ->type_name("DURATION");
  command.add_flag("--follow", arguments.follow,
                   fmt::format("record the processes that it starts, too: the\nfirst {}",
                               watch::Directory::kMostProcesses - 1));
  command.add_flag("--virtual", arguments.is_virtual,
                   "in virtual time: the program does not wait, its\n"
                   "clocks jump to its next timer; --for and --every\nare of that time, too");
  command.add_flag("--top", arguments.top, "a live table on the terminal; h shows its keys");
  command
      .add_option("--color", arguments.color,
                  "of --top: auto (the default: unless NO_COLOR is\nset), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->option_text("WHEN");
  command
      .add_option("--fail-on", arguments.fail_on,
                  "exit with 1 if it is found; repeatable, or a,b:\n"
                  "  leak   by the evidence of one run\n"
                  "  grows  more and more at once, wanted or not\n"
                  "  idle   more and more that is idle, not freed")
      ->delimiter(',')
      ->check(CLI::IsMember({"leak", "grows", "idle"}))
      ->option_text("WHAT");
  command
      .add_option("--allow", arguments.allow,
                  "what is meant to stay, repeatable: at most N\n"
                  "(any number) at a FILE, FILE:LINE or function")
      ->option_text("SITE[=N]");
  command
      .add_option("--allow-file", arguments.allow_file, "the same from a file, one SITE [N] a line")
      ->type_name("FILE");
  command.add_option("--json", arguments.json, "write everything to this file")->type_name("FILE");
  command.add_option("--csv", arguments.csv, "write a row for each site to this file")
      ->type_name("FILE");
  command
      .add_option("--against", arguments.against,
                  "a --json of the same program with half of the\n"
                  "work: what had 2/3 at once or less grows")
      ->type_name("FILE");
  command
      .add_option("--sarif", arguments.sarif,
                  "write the findings to this file, for GitHub's\ncode scanning")
      ->type_name("FILE");
  command
      .add_option("--openmetrics", arguments.openmetrics,
                  "write gauges and counters for Prometheus; its\nnode_exporter reads NAME.prom")
      ->type_name("FILE");
  command
      .add_option("--pprof", arguments.pprof,
                  "write what is live by call stack, for go tool\npprof and speedscope")
      ->type_name("FILE");
  command
      .add_option("--trace", arguments.trace,
                  "write what is live over time, for Perfetto and\nchrome://tracing")
      ->type_name("FILE");
  command.footer(
      "Sees the timers of libuv, libevent, libev, GLib, Qt, sd-event, timerfd and\n"
      "POSIX timers in a program that nobody changed, and those of Asio where it was\n"
      "built with afterleak::loops_asio. Only the program itself is recorded, not\n"
      "what it starts: see --follow. A program may name its units of work\n"
      "(afterleak/watch.h). The report is written to standard error: at the end,\n"
      "however the program ends, and when this process gets SIGUSR2. Files are\n"
      "rewritten whole at these times; and without --every, every 10 s.\n"
      "--openmetrics, --pprof and --trace are of the program alone.\n\n"
      "--virtual: an hour of a daemon's timers takes milliseconds. Time stands still\n"
      "while a thread runs, and jumps to the next deadline when all of them wait;\n"
      "with --for, to its end where there is none. So the counts are the same in\n"
      "every run. What is outside of the process lives in real time: sockets and\n"
      "pipes work, but time does not wait for them; for a child process, a second.\n"
      "It ends after a day, if --for says nothing else. What cannot be in virtual\n"
      "time ends the program, with a line that names the thread and the call.\n\n"
      "--top: q ends the view; the program goes on, and its report comes at its end.\n"
      "Ctrl-C reaches the program, as without us. What it writes to the terminal is\n"
      "held, the last 64 KiB, and shown when the view ends; it reads nothing from\n"
      "there. Nothing is held that goes to a file: --top ./server >server.log 2>&1\n\n"
      "Exit code: that of the program, and if it is 0: 1 if --fail-on found what it\n"
      "names, 3 if no timer was armed. 2: bad input, or it cannot be --virtual.\n\n"
      "For example:\n"
      "  afterleak watch ./server --port 8080\n"
      "  afterleak watch --for 10m --fail-on leak --json soak.json ./server\n"
      "  afterleak watch --virtual --for 24h --fail-on leak ./daemon\n");
}

Split SplitCommandLine(const CLI::App& command, int argc, char** argv) {
  int i = 2;
  while (i < argc && argv[i][0] == '-') {
    if (std::string_view(argv[i]) == "--") return {.flags_end = i, .command = i + 1};
    const CLI::Option* const option = command.get_option_no_throw(argv[i]);
    const bool has_value = option != nullptr && option->get_items_expected_max() > 0;
    i += has_value ? 2 : 1;
  }
  i = std::min(i, argc);
  return {.flags_end = i, .command = i};
}

int Watch(const WatchArguments& arguments) {
  Check(arguments);
  std::optional<Top> top;
  const std::optional<Duration> every = DurationOf("--every", arguments.every);
  WatchFiles files(arguments, every.value_or(kKeepEvery));
  if (arguments.top) top.emplace(UseColor(arguments.color));
  const auto say = [&top](const watch::Report& report) {
    const std::string text = Wrap(ToText(report), kIndent);
    if (top)
      top->Say(text);
    else
      Tell(text);
  };
  const watch::WatchOptions options{
      .command = arguments.command,
      .preloaded =
          WithoutSeparators(FindBeside(arguments.is_virtual ? kVirtualPreloaded : kPreloaded,
                                       "it is built and installed with this program")),
      .every = every,
      .length = DurationOf("--for", arguments.length),
      .follow = arguments.follow,
      .is_virtual = arguments.is_virtual,
      .allowed = AllowanceOf(arguments.allow, arguments.allow_file),
      .earlier = EarlierOf(arguments.against),
      .prepare =
          [&top] {
            RestoreSignals();
            if (top) top->PrepareChild();
          },
      .in_between = say,
      .keep = [&files](const watch::Report& report) { files.WriteInBetween(report); },
      .keep_every = files.empty() ? std::nullopt : std::optional<Duration>(kKeepEvery),
      .onlooker = top ? &*top : nullptr};
  const auto [report, status, ended_by_length, recorded, refused] = watch::Watch(options);
  if (top) top->End();
  say(report);
  files.Write(report);
  if (!refused.empty()) {
    Complain(fmt::format("--virtual: at {}, {}", watch::Short(report.watched), refused));
    return kBadInput;
  }
  if (status != 0 && !ended_by_length) return watch::EndLike(status);
  if (!recorded && report.remarks.empty()) {
    Complain("nothing was recorded: the program did not load what was preloaded");
    return kNothingArmed;
  }
  if (ArmedByAll(report) == 0) {
    Complain(
        "no timer was armed, so nothing can be said: a loop that keeps its timers itself, and only "
        "waits with a time limit, is not seen");
    return kNothingArmed;
  }
  const Finding* const found = FirstToFailOn(arguments.fail_on, report);
  if (found == nullptr) return kAsExpected;
  Complain(fmt::format("--fail-on: {} {} at {}:{}: {}", found->count, found->kind, found->file,
                       found->line, ToString(found->leak)));
  return kNotAsExpected;
}

}  // namespace cli
