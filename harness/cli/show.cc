#include "cli/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <span>
#include <string_view>

#include "afterleak/census/duration.h"
#include "cli/terminal.h"
#include "stage/plot.h"

namespace cli {
namespace {

using namespace afterleak;

constexpr std::size_t kMaxRows = 13;

// The samples to show: the first, the last, and others spread evenly in between.
std::vector<std::size_t> Rows(std::size_t samples) {
  std::vector<std::size_t> rows;
  if (samples == 0) return rows;
  const std::size_t step = std::max<std::size_t>(1, (samples + kMaxRows - 2) / (kMaxRows - 1));
  for (std::size_t i = 0; i + 1 < samples; i += step) rows.push_back(i);
  rows.push_back(samples - 1);
  return rows;
}

std::string Title(const Timeline& t) {
  return fmt::format("{}{}, {} for {}", t.pattern, t.on.empty() ? "" : " on " + t.on,
                     t.options.workload.ToString(), FormatDuration(t.options.length));
}

// An event loop has one mode.
std::string TimersAsIn(const Timeline& t) {
  if (!t.on.empty()) return "";
  return fmt::format(", timers as in {}", ToString(t.options.bubble.timers));
}

std::string_view Word(const Timeline& t) { return Leaks(t) ? "leak" : "bounded"; }

// A column of numbers.
template <typename Row>
struct Column {
  std::string_view heading;
  std::string_view below;  // the second line of the heading
  int width;
  std::string (*cell)(const Row&);
};

// As many of the first columns as fit, and at least one: the most telling ones come first.
template <typename Row>
std::span<const Column<Row>> Fitting(std::span<const Column<Row>> columns, int room) {
  std::size_t fitting = 0;
  for (const Column<Row>& column : columns) {
    room -= column.width + 1;
    if (room < 0 && fitting > 0) break;
    ++fitting;
  }
  return columns.first(fitting);
}

template <typename Row>
int WidthOf(std::span<const Column<Row>> columns) {
  int width = 0;
  for (const Column<Row>& column : columns) width += column.width + 1;
  return width;
}

template <typename Row>
std::string Headings(std::span<const Column<Row>> columns,
                     std::string_view Column<Row>::* line = &Column<Row>::heading) {
  std::string out;
  for (const Column<Row>& column : columns)
    out += fmt::format(" {:>{}}", column.*line, column.width);
  return out;
}

template <typename Row>
std::string Cells(std::span<const Column<Row>> columns, const Row& row) {
  std::string out;
  for (const Column<Row>& column : columns)
    out += fmt::format(" {:>{}}", column.cell(row), column.width);
  return out;
}

std::string Text(std::integral auto number) { return fmt::format("{}", number); }

constexpr Column<Sample> kRunColumns[] = {
    {"live", "", 9, [](const Sample& s) { return Text(s.census.live); }},
    {"abandoned", "", 9, [](const Sample& s) { return Text(s.census.abandoned); }},
    {"fired", "", 10, [](const Sample& s) { return Text(s.census.fired); }},
    {"stopped", "", 9, [](const Sample& s) { return Text(s.census.stopped); }},
    {"heap blocks", "", 11, [](const Sample& s) { return Text(s.heap.live_blocks); }},
    {"heap bytes", "", 11, [](const Sample& s) { return Text(s.heap.live_bytes); }},
};
constexpr std::size_t kHeapColumns = 2;  // the last of them

constexpr Column<Sample> kSideColumns[] = {
    {"live", "", 8, [](const Sample& s) { return Text(s.census.live); }},
    {"abandoned", "", 9, [](const Sample& s) { return Text(s.census.abandoned); }},
    {"rooted", "", 9, [](const Sample& s) { return Text(s.census.rooted); }},
};

constexpr Column<CensusTotals> kSummaryColumns[] = {
    {"peak", "live", 6, [](const CensusTotals& c) { return Text(c.peak_live); }},
    {"peak", "abandoned", 9, [](const CensusTotals& c) { return Text(c.peak_abandoned); }},
    {"live", "at end", 6, [](const CensusTotals& c) { return Text(c.live); }},
    {"byte-s", "lost", 9,
     [](const CensusTotals& c) { return fmt::format("{:.0f}", c.byte_seconds_lost); }},
};

// The verdict on a run, as one line.
std::string Remark(const Timeline& t) {
  if (!t.interrupted || Leaks(t)) return fmt::format("{}: {}", Word(t), Conclusion(t));
  return fmt::format("interrupted at {}: {} so far", FormatDuration(t.report.at.time_since_epoch()),
                     Conclusion(t));
}

}  // namespace

std::string Wrap(std::string_view text, int indent) {
  const auto width = static_cast<std::size_t>(Width());
  std::string out;
  while (!text.empty()) {
    std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    while (line.size() > width) {
      std::size_t space = line.rfind(' ', width);
      if (line.find_first_not_of(' ') > space) space = std::string::npos;  // its indent
      if (space == std::string::npos) space = line.find(' ', width);
      if (space == std::string::npos) break;
      out += line.substr(0, line.find_last_not_of(' ', space) + 1) + '\n';
      line = std::string(static_cast<std::size_t>(indent), ' ') + line.substr(space + 1);
    }
    out += line + '\n';
  }
  return out;
}

std::string ShowRun(const Timeline& t) {
  std::string out =
      Wrap(fmt::format("{}\n{} side, {} clock{}", Title(t), ToString(t.options.variant),
                       t.options.bubble.clock == ClockKind::kVirtual ? "virtual" : "real",
                       TimersAsIn(t)),
           2);
  std::span<const Column<Sample>> columns(kRunColumns);
  if (!heap::Counting()) columns = columns.first(columns.size() - kHeapColumns);
  columns = Fitting(columns, Width() - 10);
  out += fmt::format("\n  {:>8}{}\n", "t", Headings(columns));
  for (const std::size_t i : Rows(t.samples.size())) {
    const Sample& s = t.samples[i];
    out += fmt::format("  {:>8}{}\n", FormatDuration(s.at), Cells(columns, s));
  }
  out += "\n" + ToString(t.report) + Wrap("\nverdict: " + Remark(t), 2);
  for (const Finding& finding : t.findings) out += Wrap("  " + ToString(finding), 6);
  return out;
}

std::string ShowComparison(const Timeline& leaky, const Timeline& fixed) {
  const auto columns = Fitting(std::span<const Column<Sample>>(kSideColumns), (Width() - 14) / 2);
  const int width = WidthOf(columns);
  std::string out = Wrap(Title(leaky) + TimersAsIn(leaky), 2);
  out += fmt::format("\n  {:>8} |{:>{}} |{:>{}}\n", "", "leaky", width, "fixed", width);
  out += fmt::format("  {:>8} |{} |{}\n", "t", Headings(columns), Headings(columns));
  for (const std::size_t i : Rows(std::min(leaky.samples.size(), fixed.samples.size()))) {
    out += fmt::format("  {:>8} |{} |{}\n", FormatDuration(leaky.samples[i].at),
                       Cells(columns, leaky.samples[i]), Cells(columns, fixed.samples[i]));
  }
  out += "\n";
  for (const Timeline* t : {&leaky, &fixed})
    out += Wrap(fmt::format("  {}: {}", ToString(t->options.variant), Remark(*t)), 4);
  return out;
}

std::string ShowSummary(const std::vector<Timeline>& timelines) {
  const auto columns =
      Fitting(std::span<const Column<CensusTotals>>(kSummaryColumns), Width() - 37 - 9);
  std::string out = fmt::format("{:<20} {:<10} {:<5}{}  {}\n", "pattern", "workload", "side",
                                Headings(columns), "verdict");
  out += fmt::format("{:<20} {:<10} {:<5}{}\n", "", "", "",
                     Headings(columns, &Column<CensusTotals>::below));
  for (const Timeline& t : timelines) {
    out += fmt::format("{:<20} {:<10} {:<5}{}  {}\n", t.pattern, t.options.workload.ToString(),
                       ToString(t.options.variant), Cells(columns, t.report.totals), Word(t));
  }
  return out;
}

std::string ShowPlot(const std::vector<Timeline>& timelines) {
  std::vector<Series> series;
  for (const Timeline& t : timelines) {
    Series& curve = series.emplace_back(Series{.name = std::string(ToString(t.options.variant)),
                                               .points = {},
                                               .peak = t.report.totals.peak_live});
    for (const Sample& s : t.samples) curve.points.emplace_back(s.at, s.census.live);
  }
  return TerminalPlot({.title = "live timers: " + Title(timelines.front()),
                       .width = Width() - 2,
                       .color = UseColor(),
                       .unicode = UseUnicode()},
                      series);
}

}  // namespace cli
