#include "afterleak/census/duration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>

namespace afterleak {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::string ErrorOf(Duration (*parse)(std::string_view), std::string_view text) {
  try {
    const Duration got = parse(text);
    return "accepted, as " + FormatDuration(got);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(DurationTest, ReadsWhatGoReads) {
  const struct {
    const char* text;
    Duration want;
  } kCases[] = {
      {"0", Duration::zero()},
      {"+0", Duration::zero()},
      {"-0", Duration::zero()},
      {"0h", Duration::zero()},
      {"3s", seconds(3)},
      {"007s", seconds(7)},
      {"250ms", milliseconds(250)},
      {"1m30s", seconds(90)},
      {"+5s", seconds(5)},
      {"-1.5h", -minutes(90)},
      {"1.5h", minutes(90)},
      {".5s", milliseconds(500)},
      {"5.s", seconds(5)},
      {"-.25m", -seconds(15)},
      {"2.004s", milliseconds(2004)},
      {"12ns", nanoseconds(12)},
      {"12us", microseconds(12)},
      {"12\u00b5s", microseconds(12)},
      {"12\u03bcs", microseconds(12)},
      {"1h2m3s4ms5us6ns",
       hours(1) + minutes(2) + seconds(3) + milliseconds(4) + microseconds(5) + nanoseconds(6)},
      {"5ms4s", milliseconds(4005)},  // any order,
      {"1s1s1s", seconds(3)},         // any number of times
      {"1.9ns", nanoseconds(1)},      // cut, not rounded
      {"-1.9ns", nanoseconds(-1)},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.text);
    EXPECT_EQ(ParseDuration(test.text).count(), test.want.count());
  }
}

// Exact arithmetic gives a nanosecond less for the first two; the last two have more digits than 63
// bits have room for.
TEST(DurationTest, FractionsGoThroughDoubleAsInGo) {
  EXPECT_EQ(ParseDuration("0.3333333333333333333h"), minutes(20));
  EXPECT_EQ(ParseDuration("0.8939182812974999146h"), nanoseconds(3218105812671));
  EXPECT_EQ(ParseDuration("0.2500000000000000000000000000000h"), minutes(15));
  EXPECT_EQ(ParseDuration("0.9223372036854775809999s"), nanoseconds(922337203));
}

TEST(DurationTest, RefusesWithOneLineThatSaysWhatIsWrongAndWhatIsRight) {
  const std::string advice = "; write a duration as in Go: 250ms, 3s, 1m30s";
  const struct {
    const char* text;
    const char* want;
  } kCases[] = {
      {"", R"("": empty)"},
      {"-", R"("-": a sign alone)"},
      {"+", R"("+": a sign alone)"},
      {"3", R"("3": missing unit)"},
      {"00", R"("00": missing unit)"},
      {"1m30", R"("1m30": missing unit)"},
      {"1.5.5s", R"("1.5.5s": missing unit)"},
      {"3x", R"("3x": unknown unit "x")"},
      {"3S", R"("3S": unknown unit "S")"},
      {"3d", R"("3d": unknown unit "d")"},
      {"3 s", R"("3 s": unknown unit " s")"},
      {"1s-2s", R"("1s-2s": unknown unit "s-")"},
      {"1s\n", R"("1s\n": unknown unit "s\n")"},
      {".", R"(".": no number at ".")"},
      {"-.s", R"("-.s": no number at ".s")"},
      {"1m.s", R"("1m.s": no number at ".s")"},
      {"fast", R"("fast": no number at "fast")"},
      {"--1s", R"("--1s": no number at "-1s")"},
      {" 1s", R"(" 1s": no number at " 1s")"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(ErrorOf(ParseDuration, test.text), test.want + advice);
  }
  EXPECT_EQ(ErrorOf(ParseDuration, std::string_view("1\0s", 3)),
            R"("1\x00s": unknown unit "\x00s")" + advice);
}

TEST(DurationTest, ReadsUpToBothEndsOf64Bits) {
  EXPECT_EQ(ParseDuration("9223372036854775807ns"), Duration::max());
  EXPECT_EQ(ParseDuration("9223372036854775.807us"), Duration::max());
  EXPECT_EQ(ParseDuration("2562047h47m16.854775807s"), Duration::max());
  EXPECT_EQ(ParseDuration("-9223372036854775807ns"), -Duration::max());
  EXPECT_EQ(ParseDuration("-9223372036854775808ns"), Duration::min());
  EXPECT_EQ(ParseDuration("-9223372036854775.808us"), Duration::min());
  EXPECT_EQ(ParseDuration("-2562047h47m16.854775808s"), Duration::min());
}

TEST(DurationTest, RefusesOneNanosecondMore) {
  const char* const kCases[] = {
      "9223372036854775808ns",
      "-9223372036854775809ns",
      "9223372036854775.808us",
      "-9223372036854775.809us",
      "2562047h47m16.854775808s",
      "-2562047h47m16.854775809s",
      "2562048h",
      "5124096h",  // wraps back to a positive value in 64 bits
      "9223372036854775807ns1ns",
      "18446744073709551617ns",  // 2^64 + 1
      "99999999999999999999999999s",
      "-9223372036854775808ns9223372036854775808ns",  // wraps to 0 in Go
  };
  for (const char* const text : kCases) {
    EXPECT_EQ(ErrorOf(ParseDuration, text),
              '"' + std::string(text) +
                  "\": out of range; the longest duration is 2562047h47m16.854775807s");
  }
}

TEST(DurationTest, PositiveDurationsRefuseZeroAndLess) {
  EXPECT_EQ(ParsePositiveDuration("1ns"), nanoseconds(1));
  for (const char* const text : {"0", "0s", "-1s", "0.1ns"}) {
    EXPECT_EQ(ErrorOf(ParsePositiveDuration, text),
              '"' + std::string(text) +
                  "\": not more than zero; write a duration as in Go: 250ms, 3s, 1m30s");
  }
  EXPECT_EQ(ErrorOf(ParsePositiveDuration, "3x"), ErrorOf(ParseDuration, "3x"));
}

TEST(DurationTest, WritesWhatGoWrites) {
  const struct {
    Duration duration;
    const char* want;
  } kCases[] = {
      {Duration::zero(), "0s"},
      {nanoseconds(1), "1ns"},
      {nanoseconds(100), "100ns"},
      {nanoseconds(999), "999ns"},
      {nanoseconds(1000), "1\u00b5s"},
      {nanoseconds(1100), "1.1\u00b5s"},
      {nanoseconds(999'999), "999.999\u00b5s"},
      {milliseconds(1), "1ms"},
      {microseconds(2200), "2.2ms"},
      {nanoseconds(999'999'999), "999.999999ms"},
      {seconds(1), "1s"},
      {milliseconds(1500), "1.5s"},
      {milliseconds(10'050), "10.05s"},
      {seconds(30), "30s"},
      {seconds(60), "1m0s"},
      {seconds(90), "1m30s"},
      {milliseconds(60'001), "1m0.001s"},
      {hours(1), "1h0m0s"},
      {hours(100) + nanoseconds(1), "100h0m0.000000001s"},
      {-milliseconds(1500), "-1.5s"},
      {nanoseconds(-1), "-1ns"},
      {-seconds(90), "-1m30s"},
      {Duration::max(), "2562047h47m16.854775807s"},
      {Duration::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& test : kCases) EXPECT_EQ(FormatDuration(test.duration), test.want);
}

TEST(DurationTest, EveryDurationSurvivesARoundTrip) {
  const char* const chosen = std::getenv("AFTERLEAK_SEED");
  const std::uint64_t seed =
      chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device()();
  std::cout << "AFTERLEAK_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    // As many short durations as long ones, with either sign.
    const Duration duration(static_cast<std::int64_t>(random()) >> random() % 64);
    const std::string text = FormatDuration(duration);
    ASSERT_EQ(ParseDuration(text).count(), duration.count()) << text;
  }
}

}  // namespace
}  // namespace afterleak
