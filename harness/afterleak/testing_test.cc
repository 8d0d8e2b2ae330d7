#include "afterleak/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

#include "afterleak/afterleak.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Le;
using testing::Not;

// A server that looks around every second and either drops a time-out each time or does not.
void Serve(bool leaks) {
  time::ScopedTicker ticker(1s);
  for (;;) {
    if (leaks) std::ignore = time::After(5s);
    ticker.C().Recv();
  }
}

TEST(HasLiveTimers, TakesANumberOrAMatcher) {
  Bubble bubble;
  EXPECT_THAT(bubble, HasLiveTimers(0));
  bubble.Go([] { Serve(true); });
  bubble.AdvanceTo(2s);
  EXPECT_THAT(bubble, HasLiveTimers(4));
  EXPECT_THAT(bubble, HasLiveTimers(Le(10)));
  EXPECT_THAT(bubble, Not(HasLiveTimers(3)));
}

TEST(HasLiveTimers, SaysWhatItExpects) {
  EXPECT_EQ(testing::DescribeMatcher<const Bubble&>(HasLiveTimers(2)),
            "a number of live timers that is equal to 2");
  EXPECT_EQ(testing::DescribeMatcher<const Bubble&>(Not(HasLiveTimers(Le(2)))),
            "a number of live timers that isn't <= 2");
}

TEST(HasNoAbandonedTimers, FailsWithTheCensusByLine) {
  Bubble bubble;
  bubble.Go([] { Serve(true); });
  bubble.AdvanceTo(2s);
  EXPECT_THAT(bubble, Not(HasNoAbandonedTimers()));
  testing::StringMatchResultListener listener;
  std::ostringstream printed;
  PrintTo(bubble, &printed);
  EXPECT_THAT(printed.str(), HasSubstr("testing_test.cc"));
  EXPECT_THAT(printed.str(), HasSubstr("Serve"));
}

TEST(HasNoAbandonedTimers, IsSilentOnTheFixedSide) {
  Bubble bubble;
  bubble.Go([] { Serve(false); });
  bubble.AdvanceTo(60s);
  EXPECT_THAT(bubble, HasNoAbandonedTimers());
}

TEST(LiveTimersStayBounded, FailsOnAnAbandonedTimerAndNamesItsLine) {
  Bubble bubble;
  bubble.Go([] { Serve(true); });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("timers are abandoned after 1s\n"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("testing_test.cc"));
}

TEST(LiveTimersStayBounded, FailsOnRootedTimersThatGrow) {
  Bubble bubble;
  bubble.Go([] {
    for (;;) {
      time::AfterFunc(24h, [] {});
      time::Sleep(1s);
    }
  });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()),
              HasSubstr("live timers grow: at most 11 in the first 10s, 12 after 11s\n"));
}

TEST(LiveTimersStayBounded, HoldsForAServerThatKeepsOneTicker) {
  Bubble bubble;
  bubble.Go([] { Serve(false); });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 10s));
  EXPECT_EQ(bubble.Now(), Time(100s));
}

TEST(NoTimersLeftBehind, FailsATestThatLeavesATimerInTheDefaultBubble) {
  NoTimersLeftBehind listener;
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  time::Timer timer;
  listener.OnTestStart(info);
  timer = time::NewTimer(1h);
  EXPECT_NONFATAL_FAILURE(listener.OnTestEnd(info), "testing_test.cc");
  timer.Stop();
  listener.OnTestEnd(info);  // silent now
}

// Which of two that wake at one instant is first.
void SetFirst(bool careful) {
  const auto set = std::make_shared<bool>(false);
  Go([set] { time::Sleep(1s), *set = true; });
  time::Sleep(1s);
  if (careful) Wait();
  if (!*set) throw std::logic_error("the other one came later");
}

TEST(EverySeedPasses, FailsWithTheSeedToReplay) {
  const testing::AssertionResult result =
      EverySeedPasses(100, [](Bubble& bubble) { bubble.Run([] { SetFirst(false); }); });
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("fails; replay it in a Bubble({.seed = "));
}

TEST(EverySeedPasses, IsSilentOnTheFixedSide) {
  EXPECT_TRUE(EverySeedPasses(100, [](Bubble& bubble) { bubble.Run([] { SetFirst(true); }); }));
}

}  // namespace
}  // namespace afterleak
