// GoogleTest assertions about timers.
//
//   TEST(Server, StopsTheTimersOfASession) {
//     Bubble bubble;
//     bubble.Go([] { Serve(); });
//     EXPECT_TRUE(LiveTimersStayBounded(bubble, 60s));    // for ten minutes, in no time
//     EXPECT_THAT(bubble, HasNoAbandonedTimers());        // a failure prints the census, by line
//     EXPECT_THAT(bubble, HasLiveTimers(Le(2)));
//   }
//
//   TEST(Server, StopsInTime) {
//     EXPECT_TRUE(EverySeedPasses(100, [](Bubble& bubble) { bubble.Run([] { Serve(); }); }));
//   }
//
// Header only, so that the library itself needs no GoogleTest. Link GTest::gmock.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/explore.h"
#include "afterleak/census/census.h"
#include "afterleak/census/duration.h"

namespace afterleak {

// Matches a bubble with this many live timers: a number or a matcher. Rooted timers count.
MATCHER_P(HasLiveTimers, expected,
          "a number of live timers that " +
              testing::DescribeMatcher<std::int64_t>(expected, negation)) {
  return testing::ExplainMatchResult(expected, arg.Totals().live, result_listener);
}

// Matches a bubble in which every live timer can still be heard.
MATCHER(HasNoAbandonedTimers, negation ? "has abandoned timers" : "has no abandoned timers") {
  return arg.Totals().abandoned == 0;
}

// A failed expectation shows a bubble as its census.
inline void PrintTo(const Bubble& bubble, std::ostream* os) { *os << ToString(bubble.Report()); }

// Advances the bubble by ten windows of time and samples ten settled instants of each. Fails, with
// the census by line, as soon as more timers are live than at any instant of the first window, or
// one is abandoned. The window should be longer than every delay that the code uses, so that
// anything bounded has reached its bound by the end of the first window.
inline testing::AssertionResult LiveTimersStayBounded(Bubble& bubble, Duration window) {
  const Time start = bubble.Now();
  std::int64_t bound = 0;
  for (int look = 1; look <= 100; ++look) {
    bubble.AdvanceTo(start + window / 10 * look);
    const CensusTotals totals = bubble.Totals();
    if (look <= 10) bound = std::max(bound, totals.live);
    if (totals.abandoned > 0) {
      return testing::AssertionFailure()
             << "timers are abandoned after " << FormatDuration(bubble.Now() - start) << "\n"
             << ToString(bubble.Report());
    }
    if (totals.live > bound) {
      return testing::AssertionFailure()
             << "live timers grow: at most " << bound << " in the first " << FormatDuration(window)
             << ", " << totals.live << " after " << FormatDuration(bubble.Now() - start) << "\n"
             << ToString(bubble.Report());
    }
  }
  return testing::AssertionSuccess() << "never more than " << bound << " timers were live";
}

// Explore (explore.h), where a failed expectation fails a seed too, and is shown once.
inline testing::AssertionResult EverySeedPasses(int seeds, const std::function<void(Bubble&)>& test,
                                                const Bubble::Options& options = {}) {
  const auto failures = [] {
    const testing::TestResult& result =
        *testing::UnitTest::GetInstance()->current_test_info()->result();
    int count = 0;
    for (int i = 0; i < result.total_part_count(); ++i)
      count += result.GetTestPartResult(i).failed();
    return count;
  };
  const int before = failures();
  const std::optional<std::uint64_t> seed =
      Explore(seeds, test, options, [&] { return failures() > before; });
  if (!seed) return testing::AssertionSuccess() << "all of " << seeds << " seeds pass";
  return testing::AssertionFailure() << "seed " << *seed << " fails; replay it in a "
                                     << "Bubble({.seed = " << *seed << ", .shuffle = true})";
}

// For tests of code that uses the real clock and Bubble::Default(): fails each test that ends with
// more live timers there than it began with. In main:
// testing::UnitTest::GetInstance()->listeners().Append(new NoTimersLeftBehind);
class NoTimersLeftBehind : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo&) override { before_ = Bubble::Default().Totals().live; }
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_LE(Bubble::Default().Totals().live, before_) << ToString(Bubble::Default().Report());
  }

 private:
  std::int64_t before_ = 0;
};

}  // namespace afterleak
