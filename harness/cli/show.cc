#include "cli/show.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string_view>

#include "afterleak/census/duration.h"
#include "stage/plot.h"

namespace cli {
namespace {

using namespace afterleak;

constexpr std::size_t kMaxRows = 13;

// The samples to show: the first, the last, and others evenly between.
std::vector<std::size_t> Rows(std::size_t samples) {
  std::vector<std::size_t> rows;
  if (samples == 0) return rows;
  const std::size_t step = std::max<std::size_t>(1, (samples + kMaxRows - 2) / (kMaxRows - 1));
  for (std::size_t i = 0; i + 1 < samples; i += step) rows.push_back(i);
  rows.push_back(samples - 1);
  return rows;
}

std::string Title(const Timeline& t) {
  return fmt::format("{}, {} for {}", t.pattern, t.options.workload.ToString(),
                     FormatDuration(t.options.length));
}

std::string_view Word(Verdict verdict) { return verdict == Verdict::kLeak ? "leak" : "bounded"; }

}  // namespace

bool UseColor() { return std::getenv("NO_COLOR") == nullptr && isatty(STDOUT_FILENO) != 0; }

bool UseUnicode() {
  std::setlocale(LC_CTYPE, "");
  const std::string_view codeset = nl_langinfo(CODESET);
  const char* name = std::setlocale(LC_CTYPE, nullptr);
  // In the C locale, which most containers have, nothing is known of the terminal; those of today
  // show UTF-8.
  return codeset == "UTF-8" || name == nullptr || std::string_view(name) == "C" ||
         std::string_view(name) == "POSIX";
}

std::string ShowRun(const Timeline& t) {
  std::string out = fmt::format("{}\n{} side, {} clock, timers as in {}\n\n", Title(t),
                                ToString(t.options.variant),
                                t.options.bubble.clock == ClockKind::kVirtual ? "virtual" : "real",
                                ToString(t.options.bubble.timers));
  const bool heap = heap::Counting();
  out +=
      fmt::format("  {:>8} {:>9} {:>9} {:>10} {:>9}", "t", "live", "abandoned", "fired", "stopped");
  out += heap ? fmt::format(" {:>11} {:>11}\n", "heap blocks", "heap bytes") : "\n";
  for (const std::size_t i : Rows(t.samples.size())) {
    const Sample& s = t.samples[i];
    out += fmt::format("  {:>8} {:>9} {:>9} {:>10} {:>9}", FormatDuration(s.at), s.census.live,
                       s.census.abandoned, s.census.fired, s.census.stopped);
    out += heap ? fmt::format(" {:>11} {:>11}\n", s.heap.live_blocks, s.heap.live_bytes) : "\n";
  }
  out += "\n" + ToString(t.report);
  const Judgement judgement = Judge(t);
  out += fmt::format("\nverdict: {}: {}\n", Word(judgement.verdict), judgement.why);
  return out;
}

std::string ShowComparison(const Timeline& leaky, const Timeline& fixed) {
  std::string out =
      fmt::format("{}, timers as in {}\n\n", Title(leaky), ToString(leaky.options.bubble.timers));
  out += fmt::format("  {:>8} | {:>28} | {:>28}\n", "", "leaky", "fixed");
  out += fmt::format("  {:>8} | {:>8} {:>9} {:>9} | {:>8} {:>9} {:>9}\n", "t", "live", "abandoned",
                     "rooted", "live", "abandoned", "rooted");
  const auto half = [](const Sample& s) {
    return fmt::format("{:>8} {:>9} {:>9}", s.census.live, s.census.abandoned, s.census.rooted);
  };
  for (const std::size_t i : Rows(std::min(leaky.samples.size(), fixed.samples.size()))) {
    out += fmt::format("  {:>8} | {} | {}\n", FormatDuration(leaky.samples[i].at),
                       half(leaky.samples[i]), half(fixed.samples[i]));
  }
  out += "\n";
  for (const Timeline* t : {&leaky, &fixed}) {
    const Judgement judgement = Judge(*t);
    out += fmt::format("  {}: {}: {}\n", ToString(t->options.variant), Word(judgement.verdict),
                       judgement.why);
  }
  return out;
}

std::string ShowSummary(const std::vector<Timeline>& timelines) {
  std::string out = fmt::format("{:<20} {:<10} {:<5} {:>6} {:>9} {:>6} {:>9}  {}\n", "pattern",
                                "workload", "side", "peak", "peak", "live", "byte-s", "verdict");
  out += fmt::format("{:<20} {:<10} {:<5} {:>6} {:>9} {:>6} {:>9}\n", "", "", "", "live",
                     "abandoned", "at end", "lost");
  for (const Timeline& t : timelines) {
    const CensusTotals& c = t.report.totals;
    out += fmt::format("{:<20} {:<10} {:<5} {:>6} {:>9} {:>6} {:>9.0f}  {}\n", t.pattern,
                       t.options.workload.ToString(), ToString(t.options.variant), c.peak_live,
                       c.peak_abandoned, c.live, c.byte_seconds_lost, Word(Judge(t).verdict));
  }
  return out;
}

std::string ShowPlot(const std::vector<Timeline>& timelines, bool color, bool unicode) {
  std::vector<Series> series;
  for (const Timeline& t : timelines) {
    Series& curve =
        series.emplace_back(Series{.name = std::string(ToString(t.options.variant)), .points = {}});
    for (const Sample& s : t.samples) curve.points.emplace_back(s.at, s.census.live);
  }
  return TerminalPlot(
      {.title = "live timers: " + Title(timelines.front()), .color = color, .unicode = unicode},
      series);
}

}  // namespace cli
