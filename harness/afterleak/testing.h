// GoogleTest assertions about timers, contexts and goroutines.
//
//   TEST(Server, LeavesNothingBehind) {
//     Bubble bubble;
//     EXPECT_TRUE(LeavesNothingBehind(bubble, [] { HandleRequest(); }, {.calls = 100}));
//   }
//   TEST(Server, KeepsAFewTimers) {
//     Bubble bubble;
//     bubble.Go([] { Serve(); });
//     EXPECT_TRUE(LiveTimersStayBounded(bubble, 60s));    // for ten minutes, in no time
//     EXPECT_THAT(bubble, HasNoAbandonedTimers());        // a failure names the lines
//     EXPECT_THAT(bubble, HasLiveTimers(Le(2)));
//   }
//
//   TEST(Server, StopsInTime) {
//     EXPECT_TRUE(EverySeedPasses(100, [](Bubble& bubble) { bubble.Run([] { Serve(); }); }));
//   }
//
// The assertions that judge fail a test that saw nothing (no timer armed, no goroutine started),
// also where they are negated. Header only, so that the library itself needs no GoogleTest. Link
// GTest::gmock. For other frameworks, leak_check.h has the same as plain functions.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <source_location>
#include <thread>
#include <utility>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/explore.h"
#include "afterleak/bubble/leak_check.h"
#include "afterleak/census/census.h"

namespace afterleak {

namespace internal {
// A check that saw nothing fails the test whatever is made of its result.
inline testing::AssertionResult ResultOf(const Verdict& verdict) {
  if (!verdict.unfounded.empty()) ADD_FAILURE() << verdict.unfounded;
  return (verdict ? testing::AssertionSuccess() : testing::AssertionFailure()) << ToString(verdict);
}
}  // namespace internal

// Passes if the work, done `calls` times, leaves nothing alive that was not alive before: timers,
// registrations, contexts, goroutines, and (from 50 calls on) heap blocks. See CheckLeftBehind.
inline testing::AssertionResult LeavesNothingBehind(
    Bubble& bubble, const std::function<void()>& work, const WorkOptions& options = {},
    std::source_location site = std::source_location::current()) {
  return internal::ResultOf(CheckLeftBehind(bubble, work, options, site));
}

// Matches a bubble in which nothing is alive that was not alive at `before`, a Bubble::Alive().
MATCHER_P(HasNothingLeftSince, before,
          negation ? "has something left behind" : "has nothing left behind") {
  const testing::AssertionResult result = internal::ResultOf(CheckLeftSince(before, arg));
  *result_listener << result.message();
  return static_cast<bool>(result);
}

// Advances the bubble by ten windows of time. Fails, with the lines, if anything is abandoned, or
// if what is alive rises window after window. See CheckBounded.
inline testing::AssertionResult LiveTimersStayBounded(Bubble& bubble, Duration window,
                                                      const CheckOptions& options = {}) {
  return internal::ResultOf(CheckBounded(bubble, window, options));
}

// Matches a bubble in which no timer and no context was ever abandoned. See CheckAbandoned.
MATCHER(HasNoAbandonedTimers, negation ? "has abandoned timers" : "has no abandoned timers") {
  const testing::AssertionResult result = internal::ResultOf(CheckAbandoned(arg));
  *result_listener << result.message();
  return static_cast<bool>(result);
}

// Matches a bubble with this many live timers: a number or a matcher. Rooted timers count.
MATCHER_P(HasLiveTimers, expected,
          "a number of live timers that " +
              testing::DescribeMatcher<std::int64_t>(expected, negation)) {
  return testing::ExplainMatchResult(expected, arg.Totals().live, result_listener);
}

// A failed expectation shows a bubble as its census.
inline void PrintTo(const Bubble& bubble, std::ostream* os) { *os << ToString(bubble.Report()); }

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

// For every test of a program: a test fails if it leaves anything in Bubble::Default() that was not
// there when it began, or if anything was abandoned in a bubble that ended during it. What is still
// ending gets a second. In main:
//   testing::UnitTest::GetInstance()->listeners().Append(
//       new NothingLeftBehind(Allowance::FromFile("leaks.allow")));
class NothingLeftBehind : public testing::EmptyTestEventListener {
 public:
  explicit NothingLeftBehind(Allowance allowed = {})
      : options_{.allowed = std::move(allowed), .may_be_idle = true} {}
  ~NothingLeftBehind() override { Bubble::AtEnd({}); }

  void OnTestStart(const testing::TestInfo&) override {
    before_ = Bubble::Default().Alive();
    Bubble::AtEnd([this](const Bubble& bubble) { Expect(CheckAbandoned(bubble, options_)); });
  }
  void OnTestEnd(const testing::TestInfo&) override {
    Bubble::AtEnd({});
    constexpr int kTries = 100;
    for (int i = 1; i <= kTries; ++i) {
      const Verdict verdict = CheckLeftSince(before_, Bubble::Default(), options_);
      if (verdict || i == kTries) return Expect(verdict);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  static void Expect(const Verdict& verdict) {
    if (!verdict) ADD_FAILURE() << ToString(verdict);
  }

  const CheckOptions options_;
  Inventory before_;
};

}  // namespace afterleak
