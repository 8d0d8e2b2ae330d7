#include "afterleak/census/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class JournalTest : public testing::Test {
 protected:
  // How each timer ended, in the order of arming.
  std::vector<std::string_view> Ends() const {
    std::vector<std::string_view> ends;
    for (const TimerLife& life : bubble_.Lives()) ends.push_back(ToString(life.end));
    return ends;
  }

  Bubble bubble_{{.journal = true}};
};

TEST_F(JournalTest, TellsHowEachTimerEnded) {
  bubble_.Run([] {
    time::After(1s).Recv();                                                // received
    std::ignore = time::After(1s);                                         // nobody can hear it
    const time::Timer unread = time::NewTimer(1s);                         // left in its channel
    const time::Timer stopped = time::NewTimer(1h);                        // stopped
    time::AfterFunc(1s, [] {});                                            // a callback
    auto [ctx, cancel] = context::WithTimeout(context::Background(), 1s);  // a context
    time::Sleep(2s);
    stopped.Stop();
    cancel();
    std::ignore = time::After(1h);
  });
  EXPECT_THAT(Ends(), ElementsAre("received", "fired unheard", "fired", "stopped", "fired", "fired",
                                  "live"));
}

TEST(JournalOfMode123, TellsWhatIsCollected) {
  Bubble bubble({.timers = TimerMode::kGo123, .journal = true});
  bubble.Run([] { std::ignore = time::After(1h); });
  ASSERT_EQ(bubble.Lives().size(), 1u);
  EXPECT_EQ(bubble.Lives()[0].end, TimerEnd::kCollected);
  EXPECT_EQ(bubble.Lives()[0].ended, Time());
}

TEST_F(JournalTest, KnowsTheInstants) {
  std::uint_least32_t line = 0;
  bubble_.Run([&] {
    time::Sleep(1s);
    {
      line = std::source_location::current().line() + 1;
      const RecvChan<Time> held = time::After(10s);
      time::Sleep(2s);
    }
    time::Sleep(20s);
  });
  const std::vector<TimerLife> lives = bubble_.Lives();
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_EQ(lives[0].site.line(), line);
  EXPECT_EQ(lives[0].armed, Time(1s));
  EXPECT_EQ(lives[0].deadline, Time(11s));
  EXPECT_EQ(lives[0].abandoned, Time(3s));
  EXPECT_EQ(lives[0].ended, Time(11s));
}

TEST_F(JournalTest, ATickerIsOneLifeWithItsTicks) {
  bubble_.Run([] {
    const time::ScopedTicker ticker(2s);
    time::Sleep(5s);
  });
  const std::vector<TimerLife> lives = bubble_.Lives();
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_THAT(lives[0].ticks, ElementsAre(Time(2s), Time(4s)));
  EXPECT_EQ(lives[0].end, TimerEnd::kStopped);
}

TEST_F(JournalTest, AResetEndsOneLifeAndBeginsAnother) {
  bubble_.Run([] {
    const time::Timer timer = time::NewTimer(1s);
    timer.Reset(2s);
    time::Sleep(3s);
  });
  EXPECT_THAT(Ends(), ElementsAre("stopped", "fired"));
}

// Tickets are reused; a life must not be.
TEST_F(JournalTest, AgreesWithTheCensusAfterTenThousandTimers) {
  bubble_.Run([] {
    for (int i = 0; i < 10'000; ++i) {
      std::ignore = time::After(Duration(1ms) * (i % 7 + 1));
      if (i % 3 == 0) time::Sleep(1ms);
    }
  });
  const std::vector<std::string_view> ends = Ends();
  const CensusTotals totals = bubble_.Totals();
  EXPECT_EQ(static_cast<std::int64_t>(ends.size()), totals.armed);
  EXPECT_EQ(std::ranges::count(ends, "live"), totals.live);
  EXPECT_EQ(std::ranges::count(ends, "fired unheard"), totals.fired_unheard);
}

TEST_F(JournalTest, ChargesNothingToTheCodeUnderTest) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  const auto usage = [](bool journal) {
    Bubble bubble({.journal = journal});
    const heap::Scope scope;
    bubble.Run([] {
      for (int i = 0; i < 1000; ++i) std::ignore = time::After(1h);
    });
    return scope.usage();
  };
  EXPECT_EQ(usage(true), usage(false));
}

TEST(Journal, IsNotKeptUnlessAskedFor) {
  Bubble bubble;
  bubble.Run([] { std::ignore = time::After(1s); });
  EXPECT_TRUE(bubble.Lives().empty());
}

}  // namespace
}  // namespace afterleak
