#include "stage/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace afterleak {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Series Ramp(std::string name, int length, std::int64_t step) {
  Series series{std::move(name), {}};
  for (int i = 0; i <= length; ++i) series.points.emplace_back(seconds(i), i * step);
  return series;
}

Series Flat(std::string name, std::int64_t value) {
  return {std::move(name), {{seconds(0), value}, {seconds(60), value}}};
}

std::string WithoutColor(const std::string& plot) {
  return std::regex_replace(plot, std::regex("\x1b\\[[0-9;]*m"), "");
}

std::vector<std::string> Lines(const std::string& plot) {
  std::istringstream in(plot);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Columns of a line whose characters are all narrow.
auto ColumnsOf(const std::string& line) {
  return std::ranges::count_if(line, [](char byte) { return (byte & 0xC0) != 0x80; });
}

TEST(PlotTest, ShowsLeakyAgainstFixed) {
  const Series leaky{
      "leaky",
      {{seconds(0), 2}, {seconds(3), 3}, {seconds(6), 4}, {seconds(9), 5}, {seconds(12), 5}}};
  const Series fixed{"fixed", {{seconds(0), 2}, {seconds(9), 0}}};
  PlotOptions options{.title = "live timers", .width = 40, .height = 6};
  EXPECT_EQ('\n' + TerminalPlot(options, {leaky, fixed}), R"(
  live timers
  │                           ┏━━━━━━━━━
4 ┤                  ┏━━━━━━━━┛
  │         ┏━━━━━━━━┛
2 ┤━─━─━─━─━┛─────────────────╮
  │                           │
0 ┤                           ╰
  └┬──────────────┬──────────────┬──────
   0s             5s            10s
   ━━━ leaky: peak 5   ─── fixed: peak 2
)");
  options.unicode = false;
  EXPECT_EQ('\n' + TerminalPlot(options, {leaky, fixed}), R"(
  live timers
  |                           ##########
4 +                  ##########
  |         ##########
2 +#o#o#o#o##oooooooooooooooooo
  |                           o
0 +                           o
  ++--------------+--------------+------
   0s             5s            10s
   ### leaky: peak 5   ooo fixed: peak 2
)");
}

TEST(PlotTest, IsNeverWiderThanAskedAndHasNoTrailingSpaces) {
  const std::vector<Series> series = {Ramp("a series with a rather long name", 60, 123'456),
                                      Flat("fixed", 2),
                                      Flat("third", 40'000),
                                      {"fourth", {}}};
  for (int width = 1; width <= 100; ++width) {
    for (const bool color : {false, true}) {
      const std::string title = "a title of more than forty columns, which must be cut";
      const PlotOptions options{.title = title, .width = width, .color = color};
      for (const std::string& line : Lines(WithoutColor(TerminalPlot(options, series)))) {
        ASSERT_LE(ColumnsOf(line), width) << line;
        ASSERT_FALSE(line.ends_with(' ')) << '"' << line << '"';
      }
    }
  }
}

TEST(PlotTest, CutsWideCharactersByTheirColumns) {
  const PlotOptions options{.title = "\u6f0f\u308c\u6f0f\u308c\u6f0f\u308c", .width = 10};
  EXPECT_EQ(Lines(TerminalPlot(options, {}))[0], "  \u6f0f\u308c\u6f0f\u308c");
}

TEST(PlotTest, UsesTheWidth) {
  for (const int width : {40, 78, 120}) {
    const auto lines = Lines(TerminalPlot({.title = "", .width = width}, {Ramp("a", 60, 1)}));
    EXPECT_GE(ColumnsOf(lines[12]), width - 7) << lines[12];
  }
}

TEST(PlotTest, TheLegendKnowsOfAPeakBetweenTwoPoints) {
  EXPECT_THAT(
      TerminalPlot({}, {{.name = "a", .points = {{Duration(0), 1}, {Duration(9), 1}}, .peak = 7}}),
      HasSubstr("a: peak 7"));
}

TEST(PlotTest, KeepsAPeakThatIsShorterThanAColumn) {
  Series series = Flat("a", 1);
  series.points.insert(series.points.begin() + 1,
                       {{seconds(20), 11}, {seconds(20) + milliseconds(1), 1}});
  const auto lines = Lines(TerminalPlot({}, {series}));
  EXPECT_THAT(lines[0], HasSubstr("┏┓"));
  EXPECT_THAT(lines[15 - 1], HasSubstr("a: peak 11"));
}

TEST(PlotTest, HoldsAValueUntilTheNextSampleAndNotBeyondTheLast) {
  const Series a{"a", {{seconds(0), 2}, {seconds(30), 1}, {seconds(40), 1}}};
  const auto lines = Lines(TerminalPlot({.width = 64, .height = 3}, {a, Flat("b", 0)}));
  EXPECT_EQ(lines[0], "2 ┤━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓");
  EXPECT_EQ(lines[1], "  │                              ┗━━━━━━━━━━");
}

TEST(PlotTest, ShowsWhatRemainsAtTheEndOfARun) {
  // 29.9 s is inside a column, which shows the 5; the 0 is not lost in it.
  const Series a{"a", {{seconds(0), 5}, {milliseconds(29'900), 0}}};
  const auto lines = Lines(TerminalPlot({.height = 6}, {a, Flat("b", 5)}));
  EXPECT_THAT(lines[5], HasSubstr("0 ┤ ")) << lines[5];
  EXPECT_THAT(lines[5], HasSubstr("┗"));
}

TEST(PlotTest, LabelsBothAxesInRoundSteps) {
  const struct {
    std::int64_t peak;
    std::vector<std::string> labels;
    std::string legend;
  } kCases[] = {
      {0, {"0", "1", "2"}, "peak 0"},
      {1, {"0", "1", "2"}, "peak 1"},
      {11, {" 0", " 2", " 4", " 6", " 8", "10"}, "peak 11"},
      {330, {"  0", "100", "200", "300"}, "peak 330"},
      {1499, {"   0", " 500", "  1k", "1.5k"}, "peak 1,499"},
      {330'000, {"   0", "100k", "200k", "300k"}, "peak 330,000"},
      {10'000'000, {"  0", " 2M", " 4M", " 6M", " 8M", "10M"}, "peak 10,000,000"},
      {std::numeric_limits<std::int64_t>::max(),
       {"  0", " 2E", " 4E", " 6E", " 8E", "10E"},
       "peak 9,223,372,036,854,775,807"},
  };
  for (const auto& test : kCases) {
    const std::string plot = TerminalPlot({}, {Flat("a", test.peak)});
    SCOPED_TRACE(plot);
    std::vector<std::string> labels;
    for (const std::string& line : Lines(plot)) {
      const auto tick = line.find(" ┤");
      if (tick != line.npos) labels.insert(labels.begin(), line.substr(0, tick));
    }
    EXPECT_EQ(labels, test.labels);
    EXPECT_THAT(plot, HasSubstr(test.legend));
    EXPECT_THAT(plot, HasSubstr("━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━"));
  }
  const auto axis = [](Duration span) {
    return Lines(TerminalPlot({}, {{"a", {{Duration(0), 1}, {span, 1}}}}))[13];
  };
  const auto matches = [](const std::string& labels) {
    return testing::MatchesRegex(" *" + std::regex_replace(labels, std::regex(" "), " +"));
  };
  EXPECT_THAT(axis(seconds(60)), matches("0s 15s 30s 45s 1m"));
  EXPECT_THAT(axis(seconds(36)), matches("0s 10s 20s 30s"));
  EXPECT_THAT(axis(seconds(7200)), matches("0s 30m 1h 1h30m 2h"));
  EXPECT_THAT(axis(std::chrono::hours(72)), matches("0s 24h 48h 72h"));
  EXPECT_THAT(axis(milliseconds(2)), matches("0s 500\u00b5s 1ms 1.5ms 2ms"));
  EXPECT_THAT(axis(Duration::max()), matches("0s 480000h .*"));
}

TEST(PlotTest, PutsTimeLabelsUnderTheirTicks) {
  const auto lines = Lines(TerminalPlot({.width = 78}, {Ramp("a", 60, 1)}));
  EXPECT_EQ(lines[12],
            "   └┬─────────────────┬─────────────────┬─────────────────┬─────────────────┬");
  EXPECT_EQ(lines[13],
            "    0s               15s               30s               45s                1m");
}

TEST(PlotTest, EndsTheLastTimeLabelAtTheEdge) {
  const Series days{"a", {{Duration(0), 1}, {std::chrono::hours(72), 1}}};
  const std::string last = Lines(TerminalPlot({.width = 79}, {days}))[13];
  EXPECT_TRUE(last.ends_with(" 72h")) << last;
  EXPECT_EQ(ColumnsOf(last), 79);
}

TEST(PlotTest, WrapsALongLegend) {
  const std::vector<Series> series = {Flat("one", 1), Flat("two", 2), Flat("three", 3)};
  const auto lines = Lines(TerminalPlot({.width = 40, .height = 4}, series));
  EXPECT_EQ(lines[6], "   ━━━ one: peak 1   ─── two: peak 2");
  EXPECT_EQ(lines[7], "   ═══ three: peak 3");
}

TEST(PlotTest, DrawsAFlatZeroOnTheZeroLine) {
  const auto lines = Lines(TerminalPlot({.width = 20}, {Flat("a", 0)}));
  EXPECT_EQ(lines[11].substr(0, lines[11].find("━")), "0 ┤");
  for (int row = 0; row < 11; ++row) EXPECT_THAT(lines[row], Not(HasSubstr("━")));
}

TEST(PlotTest, DrawsNegativeCountsOnTheZeroLine) {
  const auto lines = Lines(TerminalPlot({.width = 20}, {Flat("a", -7)}));
  EXPECT_THAT(lines[11], HasSubstr("0 ┤━"));
}

TEST(PlotTest, DrawsOnePointAndSeriesWithout) {
  const auto lines = Lines(TerminalPlot({.height = 4}, {{"one", {{seconds(5), 3}}}, {"none", {}}}));
  EXPECT_EQ(lines[0], "  │━");
  EXPECT_EQ(lines[5], "   5s");
  EXPECT_EQ(lines[6], "   ━━━ one: peak 3   ─── none: no samples");
}

TEST(PlotTest, SaysThatThereAreNoSamples) {
  for (const std::vector<Series>& series : {std::vector<Series>{}, {{"a", {}}}}) {
    EXPECT_THAT(TerminalPlot({}, series), AllOf(HasSubstr("1 ┤  no samples"), HasSubstr("0 ┤\n")));
  }
}

TEST(PlotTest, SeriesThatCoincideAlternate) {
  const auto plot = TerminalPlot({}, {Ramp("a", 60, 1), Ramp("b", 60, 1)});
  EXPECT_THAT(plot, AllOf(HasSubstr("━─━─"), HasSubstr("┏"), HasSubstr("╭")));
  EXPECT_THAT(TerminalPlot({}, {Flat("a", 2), Flat("b", 2), Flat("c", 2)}), HasSubstr("━─═━─═"));
  EXPECT_THAT(TerminalPlot({.unicode = false}, {Flat("a", 2), Flat("b", 2)}), HasSubstr("#o#o#o"));
}

TEST(PlotTest, AsciiMeansAsciiOnly) {
  const Series tiny{"\u00b5-bench\t", {{Duration(0), 1}, {std::chrono::microseconds(3), 2}}};
  const auto plot =
      TerminalPlot({.title = "caf\u00e9", .color = true, .unicode = false}, {tiny, tiny, tiny});
  EXPECT_TRUE(std::ranges::all_of(plot, [](char byte) { return byte > 0; })) << plot;
  EXPECT_THAT(plot, AllOf(HasSubstr("caf?"), HasSubstr("u-bench?: peak 2"), HasSubstr("1us")));
}

TEST(PlotTest, ColorChangesNothingButColor) {
  const std::vector<Series> series = {Ramp("leaky", 60, 7), Flat("fixed", 2)};
  const std::string plain = TerminalPlot({.title = "t"}, series);
  const std::string color = TerminalPlot({.title = "t", .color = true}, series);
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_EQ(WithoutColor(color), plain);
  EXPECT_THAT(color, AllOf(HasSubstr("\x1b[0;1;31m━━━"), HasSubstr("\x1b[0;32m───")));
  // A line cut out of the plot leaves the terminal as it was.
  for (const std::string& line : Lines(color)) {
    const auto last = line.rfind("\x1b[");
    EXPECT_TRUE(last == line.npos || line.compare(last, 4, "\x1b[0m") == 0) << line;
  }
}

}  // namespace
}  // namespace afterleak
