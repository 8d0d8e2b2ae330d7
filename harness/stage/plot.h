// A plot for the terminal: a few counts, such as live timers, against time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/census/clock.h"

namespace afterleak {

using PlotPoint = std::pair<Duration, std::int64_t>;

// A count that changes in steps: each value holds until the next point. Nothing is drawn before the
// first point or after the last, so a run that ends early can be seen to end.
struct Series {
  std::string name;
  // In ascending order of time. A negative value is drawn as zero: these are counts.
  std::vector<PlotPoint> points;
  // The most that there ever was, for the legend; 0 if that is at one of the points.
  std::int64_t peak = 0;
};

struct PlotOptions {
  std::string title{};
  int width = 78;       // columns of the whole plot; no line is wider
  int height = 12;      // rows of the plotting area, without title, time axis and legend
  bool color = false;   // ANSI colours
  bool unicode = true;  // box-drawing characters in UTF-8; otherwise only ASCII
};

// Draws the title, the plot, the axes and a legend with the exact peak of each series, as lines
// that end in '\n' and never in a space. The same arguments give the same bytes in every locale.
//
// A column covers a slice of time and shows the largest value held in it, so a short peak is never
// lost; a short dip may be. The y axis starts at 0. Where series meet in one cell, the one that
// turns is shown; series that run along together alternate cell by cell.
//
// Good for up to four series; the fifth looks like the first. Below a width of about 30 columns or
// a height of 3 the axes no longer say much.
std::string TerminalPlot(const PlotOptions& options, const std::vector<Series>& series);

}  // namespace afterleak
