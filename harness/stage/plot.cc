#include "stage/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>

#include "afterleak/census/duration.h"

namespace afterleak {
namespace {

using Ink = std::string_view;  // what follows the 0, reset, in an ANSI colour sequence
constexpr Ink kPlain;
constexpr Ink kBold = ";1";
constexpr Ink kDim = ";2";

enum Shape : std::size_t { kLevel, kUpright, kDownRight, kDownLeft, kUpRight, kUpLeft };

struct Style {
  Ink ink;
  std::array<std::string_view, 6> unicode;  // by Shape
  std::string_view ascii;
};

// Thick, thin, double, dashed: distinguishable without colour too.
constexpr Style kStyles[] = {
    {";1;31", {"━", "┃", "┏", "┓", "┗", "┛"}, "#"},
    {";32", {"─", "│", "╭", "╮", "╰", "╯"}, "o"},
    {";34", {"═", "║", "╔", "╗", "╚", "╝"}, "*"},
    {";35", {"╌", "╎", "┌", "┐", "└", "┘"}, "."},
};

// All drawing goes through here, so that width and character set are handled in one place.
class Canvas {
 public:
  explicit Canvas(const PlotOptions& options) : options_(options) {}

  int Width() const { return options_.width; }

  void Draw(int row, int column, std::string_view unicode, std::string_view ascii, Ink ink) {
    Set(row, column, 1, {std::string(options_.unicode ? unicode : ascii), ink});
  }

  // Returns the column after the text.
  int Write(int row, int column, std::string_view text, Ink ink = kPlain) {
    while (!text.empty()) {
      std::size_t size = 1;
      while (size < text.size() && (text[size] & 0xC0) == 0x80) ++size;
      std::string glyph(text.substr(0, size));
      text.remove_prefix(size);
      if (size == 1 && (glyph[0] < ' ' || glyph[0] > '~')) glyph = "?";
      if (size > 1 && !options_.unicode) glyph = glyph == "\u00b5" ? "u" : "?";
      // No character below U+1100 is wide. Treating all others as wide keeps to the bound.
      const int columns = glyph.size() > 1 && glyph >= "\u1100" ? 2 : 1;
      Set(row, column, columns, {glyph, ink});
      column += columns;
    }
    return column;
  }

  std::string ToString() const {
    std::string text;
    for (const auto& cells : rows_) {
      std::string line;
      Ink ink = kPlain;
      for (const Cell& cell : cells) {
        if (options_.color && cell.glyph != " " && cell.ink != ink) {
          ink = cell.ink;
          line += fmt::format("\x1b[0{}m", ink);
        }
        line += cell.glyph;
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + (ink == kPlain ? "\n" : "\x1b[0m\n");
    }
    return text;
  }

 private:
  struct Cell {
    std::string glyph = " ";  // empty: the right half of a wide one
    Ink ink = kPlain;
  };

  void Set(int row, int column, int columns, Cell cell) {
    if (column < 0 || column + columns > options_.width) return;
    rows_.resize(std::max(rows_.size(), static_cast<std::size_t>(row) + 1));
    auto& cells = rows_[static_cast<std::size_t>(row)];
    cells.resize(std::max(cells.size(), static_cast<std::size_t>(column + columns)));
    std::fill_n(cells.begin() + column, columns, Cell{"", kPlain});
    cells[static_cast<std::size_t>(column)] = std::move(cell);
  }

  const PlotOptions& options_;
  std::vector<std::vector<Cell>> rows_;
};

// 1234567 as 1,234,567 in every locale.
std::string Exact(std::int64_t value) {
  std::string text = fmt::format("{}", value);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

// 1500 as 1.5k.
std::string Short(double value) {
  std::size_t power = 0;
  for (; value >= 1000; value /= 1000) ++power;
  return fmt::format("{:g}{}", value, std::string_view(" kMGTPE").substr(power, power > 0));
}

// 1m0s as 1m, 2h0m0s as 2h.
std::string Short(Duration time) {
  std::string text = FormatDuration(time);
  if (text.ends_with("m0s")) text.resize(text.size() - 2);
  if (text.ends_with("h0m")) text.resize(text.size() - 2);
  return text;
}

// 1, 2 or 5 times a power of ten, and at least `least`.
double RoundUp(double least) {
  for (double power = 1;; power *= 10) {
    for (const int digit : {1, 2, 5}) {
      if (digit * power >= least) return digit * power;
    }
  }
}

struct CountAxis {
  double step;        // between two labels: 1, 2 or 5 times a power of ten
  int rows_per_step;  // a whole number, so that every label is exact
  double PerRow() const { return step / rows_per_step; }
  std::string Label(int height) const {
    const int steps = height / rows_per_step;
    return Short(steps * step);
  }
};

// The finest scale that fits `rows` rows above zero; among equals, the one with most labels.
CountAxis FitCounts(const std::vector<Series>& series, int rows) {
  double peak = 0;
  for (const Series& each : series) {
    for (const auto& [time, count] : each.points) peak = std::max(peak, static_cast<double>(count));
  }
  CountAxis best{std::numeric_limits<double>::max(), 1};
  for (const int rows_per_step : {2, 3, 4, 5}) {
    const CountAxis axis{RoundUp(peak * rows_per_step / rows), rows_per_step};
    if (axis.PerRow() < best.PerRow()) best = axis;
  }
  return best;
}

// Times are in nanoseconds; doubles can hold the difference of any two.
double Nanoseconds(Duration time) { return static_cast<double>(time.count()); }

// The shortest step in which people count time that is at least `least`.
double FitTimeStep(double least) {
  constexpr double kSecond = 1e9;
  constexpr double kDay = 24 * 3600 * kSecond;
  if (least <= kSecond / 2) return RoundUp(least);
  for (const int seconds : {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 2 * 3600,
                            3 * 3600, 6 * 3600, 12 * 3600}) {
    if (seconds * kSecond >= least) return seconds * kSecond;
  }
  return kDay * RoundUp(least / kDay);
}

struct TimeAxis {
  double first = std::numeric_limits<double>::max();
  double last = std::numeric_limits<double>::lowest();
  double step = 0;  // between two labels; 0 if there is only one instant
  int columns;

  TimeAxis(const std::vector<Series>& series, int room) : columns(std::max(room, 1)) {
    for (const Series& each : series) {
      for (const auto& [time, count] : each.points) {
        first = std::min(first, Nanoseconds(time));
        last = std::max(last, Nanoseconds(time));
      }
    }
    if (last <= first) return;
    constexpr int kColumnsPerLabel = 13;
    step = FitTimeStep((last - first) * kColumnsPerLabel / columns);
    // A few columns are given up so that labels are equally spaced.
    if (last - first >= step) columns -= (columns - 1) % static_cast<int>((last - first) / step);
  }

  double FirstLabel() const { return step > 0 ? std::ceil(first / step) * step : first; }

  double ColumnOf(double time) const {
    if (last <= first) return 0;
    return std::min((time - first) * (columns - 1) / (last - first), columns - 1.0);
  }
};

constexpr int kNone = -1;

// For each column, the row above zero of the largest value held in that slice of time.
std::vector<int> Heights(const Series& series, const TimeAxis& time, const CountAxis& counts) {
  std::vector<int> heights(static_cast<std::size_t>(time.columns), kNone);
  for (auto point = series.points.begin(); point != series.points.end(); ++point) {
    const auto value = static_cast<double>(std::max<std::int64_t>(point->second, 0));
    const int height = static_cast<int>(std::lround(value / counts.PerRow()));
    const double start = time.ColumnOf(Nanoseconds(point->first));
    const auto next = std::next(point);
    // The last value is held for no time, so it is rounded up into a separate column.
    const bool is_last = next == series.points.end();
    const double begin = is_last ? std::ceil(start) : std::floor(start);
    const double end = is_last ? begin + 1 : std::ceil(time.ColumnOf(Nanoseconds(next->first)));
    for (double column = begin; column < std::max(end, begin + 1); ++column) {
      int& highest = heights[static_cast<std::size_t>(column)];
      highest = std::max(highest, height);
    }
  }
  return heights;
}

// What a line shows at `height` in the column where it goes from `before` to `now`.
std::optional<Shape> ShapeAt(int height, int before, int now) {
  const bool level = before == now || before == kNone;
  if (height == now) return level ? kLevel : before < now ? kDownRight : kUpRight;
  if (level || now == kNone) return std::nullopt;
  if (height == before) return before < now ? kUpLeft : kDownLeft;
  if ((before < height) == (height < now)) return kUpright;
  return std::nullopt;
}

// Rows and columns of the plotting area: `top` to `zero` downwards, and from `left` on.
struct Frame {
  int top;
  int zero;
  int left;
};

// The y axis. Labels end two columns before `left`.
void DrawCounts(const CountAxis& counts, const Frame& frame, Canvas* canvas) {
  for (int row = frame.top; row <= frame.zero; ++row) {
    const int height = frame.zero - row;
    const bool tick = height % counts.rows_per_step == 0;
    canvas->Draw(row, frame.left - 1, tick ? "┤" : "│", tick ? "+" : "|", kDim);
    if (!tick) continue;
    const std::string label = counts.Label(height);
    canvas->Write(row, frame.left - 2 - static_cast<int>(label.size()), label);
  }
}

void DrawTime(const TimeAxis& time, const Frame& frame, Canvas* canvas) {
  const int row = frame.zero + 1;
  canvas->Draw(row, frame.left - 1, "└", "+", kDim);
  for (int i = 0; i < time.columns; ++i) canvas->Draw(row, frame.left + i, "─", "-", kDim);
  for (double at = time.FirstLabel(); at <= time.last; at += time.step) {
    const std::string label = Short(Duration(std::llround(at)));
    const int size = static_cast<int>(label.size());
    const int column = frame.left + static_cast<int>(time.ColumnOf(at));
    canvas->Draw(row, column, "┬", "+", kDim);
    canvas->Write(row + 1, std::min(column - (size - 1) / 2, canvas->Width() - size), label);
    if (time.step == 0) return;
  }
}

// `lines` holds the Heights of each series.
void DrawLines(const std::vector<std::vector<int>>& lines, const Frame& frame, Canvas* canvas) {
  const std::size_t columns = lines.empty() ? 0 : lines.front().size();
  for (std::size_t column = 0; column < columns; ++column) {
    for (int row = frame.top; row <= frame.zero; ++row) {
      std::vector<std::pair<std::size_t, Shape>> here;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        const int before = column == 0 ? kNone : lines[i][column - 1];
        const auto shape = ShapeAt(frame.zero - row, before, lines[i][column]);
        if (shape) here.emplace_back(i, *shape);
      }
      const auto level = [](const auto& line) { return line.second == kLevel; };
      if (!std::ranges::all_of(here, level)) std::erase_if(here, level);
      if (here.empty()) continue;
      const auto [i, shape] = here[(column + static_cast<std::size_t>(row)) % here.size()];
      const Style& style = kStyles[i % std::size(kStyles)];
      const int at = frame.left + static_cast<int>(column);
      canvas->Draw(row, at, style.unicode[shape], style.ascii, style.ink);
    }
  }
}

void DrawLegend(const std::vector<Series>& series, const Frame& frame, Canvas* canvas) {
  constexpr int kSwatch = 3;
  constexpr int kGap = 3;
  int row = frame.zero + 3;
  int column = frame.left;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Style& style = kStyles[i % std::size(kStyles)];
    const auto& points = series[i].points;
    const auto peak = std::ranges::max_element(points, {}, &PlotPoint::second);
    const std::string text = points.empty()
                                 ? fmt::format(" {}: no samples", series[i].name)
                                 : fmt::format(" {}: peak {}", series[i].name,
                                               Exact(std::max(peak->second, series[i].peak)));
    const int end = column + kSwatch + static_cast<int>(text.size());
    if (column > frame.left && end > canvas->Width()) {
      ++row;
      column = frame.left;
    }
    for (int j = 0; j < kSwatch; ++j) {
      canvas->Draw(row, column + j, style.unicode[kLevel], style.ascii, style.ink);
    }
    column = canvas->Write(row, column + kSwatch, text) + kGap;
  }
}

}  // namespace

std::string TerminalPlot(const PlotOptions& options, const std::vector<Series>& series) {
  const int height = std::max(options.height, 2);
  const CountAxis counts = FitCounts(series, height - 1);
  std::size_t widest = 0;
  for (int row = 0; row < height; row += counts.rows_per_step) {
    widest = std::max(widest, counts.Label(row).size());
  }
  const int top = options.title.empty() ? 0 : 1;
  const Frame frame{top, top + height - 1, static_cast<int>(widest) + 2};
  const TimeAxis time(series, options.width - frame.left);

  Canvas canvas(options);
  canvas.Write(0, frame.left - 1, options.title, kBold);
  DrawCounts(counts, frame, &canvas);
  DrawTime(time, frame, &canvas);
  if (time.last < time.first) canvas.Write(top + height / 2, frame.left + 2, "no samples");
  std::vector<std::vector<int>> lines;
  lines.reserve(series.size());
  for (const Series& each : series) lines.push_back(Heights(each, time, counts));
  DrawLines(lines, frame, &canvas);
  DrawLegend(series, frame, &canvas);
  return canvas.ToString();
}

}  // namespace afterleak
