#include "pairs/idle_timeout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "afterleak/heap/heap.h"
#include "pairs/diary.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

using Function = void (*)(Chan<std::string>, Duration, const Work&);

constexpr Duration kQuiet = 30s;

class Modes : public testing::TestWithParam<TimerMode> {};

// What a side does with a message at each of these instants, until `end`; then it must return.
std::vector<std::string> WhatItDoes(Function function, TimerMode timers,
                                    const std::vector<Duration>& messages_at, Duration end,
                                    Duration each_takes = 0s) {
  Diary diary;
  Bubble bubble({.timers = timers});
  Chan<std::string> messages;
  bubble.Run([&] { messages = MakeChan<std::string>(10); });
  bubble.Go([&] {
    Work work = diary.Loop();
    work.handle = [&, note = work.handle](const std::string& message) {
      note(message);
      time::Sleep(each_takes);
    };
    function(messages, kQuiet, work);
    diary.Note("returned");
  });
  for (std::size_t i = 0; i < messages_at.size(); ++i)
    bubble.At(messages_at[i], [&, i] { EXPECT_TRUE(messages.TrySend(std::to_string(i))); });
  bubble.At(end, [&] { messages.Close(); });
  bubble.AdvanceTo(end);
  EXPECT_EQ(ToString(bubble.Goroutines()), "");
  EXPECT_TRUE(bubble.Totals().Conserved());
  return diary.lines();
}

TEST_P(Modes, BothSidesHandleEveryMessageAndSeeEveryIdleMomentAtItsInstant) {
  const std::vector<std::string> expected = {"1s handled 0",    "20s handled 1", "50s polled",
                                             "1m20s polled",    "1m50s polled",  "1m55s handled 2",
                                             "1m55s handled 3", "2m25s polled",  "2m30s returned"};
  for (const Function function : {&leaky::IdleTimeout, &fixed::IdleTimeout}) {
    EXPECT_EQ(WhatItDoes(function, GetParam(), {1s, 20s, 115s, 115s}, 150s), expected);
  }
}

TEST_P(Modes, WhatFiredWhileAMessageWasHandledIsNoIdleMoment) {
  const std::vector<std::string> expected = {"1s handled 0", "46s handled 1", "2m1s polled",
                                             "2m31s polled", "2m35s returned"};
  for (const Function function : {&leaky::IdleTimeout, &fixed::IdleTimeout}) {
    EXPECT_EQ(WhatItDoes(function, GetParam(), {1s, 2s}, 155s, 45s), expected);
  }
}

TEST_P(Modes, WithoutMessagesBothSidesHoldOneTimer) {
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    Staged run("idle_timeout", variant, "idle", GetParam());
    for (const Duration at : {Duration(0s), Duration(30s), Duration(60s), Duration(1h)}) {
      EXPECT_EQ(run.At(at).live, 1);
      EXPECT_EQ(run.At(at).abandoned, 0);
    }
    EXPECT_EQ(run.At(1h).peak_live, 1);
    EXPECT_EQ(run.At(1h).fired_unheard, 0);
  }
}

TEST_P(Modes, TheLoopEndsWhenTheLoadDoesAndOnlyTheFixedSideLeavesNothing) {
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    Bubble bubble({.timers = GetParam()});
    const Workload load = ParseWorkload("busy:10/s");
    Find("idle_timeout").stage({bubble, variant, load, 1, Time(60s)});
    bubble.AdvanceTo(60s);
    EXPECT_EQ(ToString(bubble.Goroutines()), "");
    const bool leaks = variant == Variant::kLeaky && GetParam() == TimerMode::kGo122;
    EXPECT_EQ(bubble.Totals().live, leaks ? 299 : 0) << "of the messages after t = 30 s";
    EXPECT_EQ(bubble.Totals().abandoned, leaks ? 299 : 0);
    bubble.AdvanceTo(90s);
    EXPECT_EQ(bubble.Totals().live, 0);
    EXPECT_TRUE(bubble.Totals().Conserved());
  }
}

INSTANTIATE_TEST_SUITE_P(, Modes, kTimerModes, NameOfTimerMode);

TEST(IdleTimeoutLeaky, OneMessageLeavesOneTimerUntilItsDeadline) {
  Staged run("idle_timeout", Variant::kLeaky, "message@1s");
  EXPECT_EQ(run.At(1s - 1ns).live, 1);
  for (const Duration at : {Duration(1s), Duration(30s - 1ns)}) {
    EXPECT_EQ(run.At(at).live, 2);
    EXPECT_EQ(run.At(at).abandoned, 1);
  }
  EXPECT_EQ(run.At(30s).live, 1);
  EXPECT_EQ(run.At(30s).fired_unheard, 1);
  EXPECT_EQ(run.At(31s).fired - run.At(31s).fired_unheard, 1) << "the idle moment";
}

TEST(IdleTimeoutLeaky, TheCensusNamesTheLineThatArmed) {
  Staged run("idle_timeout", Variant::kLeaky, "busy:100/s");
  run.At(60s);
  const CensusReport report = run.bubble().Report();
  ASSERT_EQ(report.sites.size(), 1u);
  const SiteReport& after = report.sites[0];
  EXPECT_EQ(after.file, "leaky/idle_timeout.cc");
  EXPECT_EQ(after.function, "leaky::IdleTimeout");
  EXPECT_EQ(after.kind, "time::After");
  EXPECT_EQ(after.live, 3000);
  EXPECT_EQ(after.abandoned, 2999);
  EXPECT_EQ(after.oldest_age, 30s - 10ms);
  EXPECT_EQ(after.longest_left, 30s);
}

TEST(IdleTimeout, StaysBoundedOverARunTenTimesAsLongOnBothSides) {
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    for (const TimerMode timers : {TimerMode::kGo122, TimerMode::kGo123}) {
      RunOptions options{
          .variant = variant, .workload = ParseWorkload("busy:10/s"), .bubble = {.timers = timers}};
      const std::int64_t once = MostLive(RunPattern(Find("idle_timeout"), options));
      options.length *= 10;
      EXPECT_EQ(MostLive(RunPattern(Find("idle_timeout"), options)), once);
      EXPECT_EQ(once, variant == Variant::kLeaky && timers == TimerMode::kGo122 ? 300 : 1);
    }
  }
}

// ---- a number of messages a second

class Busy : public testing::TestWithParam<int> {
 protected:
  const int rate_ = GetParam();
  const std::string workload_ = "busy:" + std::to_string(rate_) + "/s";
};

TEST_P(Busy, LeakyHoldsOneTimerForEachMessageOfTheLastThirtySeconds) {
  Staged run("idle_timeout", Variant::kLeaky, workload_);
  EXPECT_EQ(run.At(10s).live, 10 * rate_ + 1);
  for (const Duration at : {Duration(30s), Duration(31s), Duration(60s)}) {
    EXPECT_EQ(run.At(at).live, 30 * rate_) << "r * d";
    EXPECT_EQ(run.At(at).abandoned, 30 * rate_ - 1) << "all but that of this turn";
  }
}

TEST_P(Busy, FixedHoldsOne) {
  Staged run("idle_timeout", Variant::kFixed, workload_);
  for (const Duration at : {Duration(0s), Duration(1s), Duration(30s), Duration(60s)})
    EXPECT_EQ(run.At(at).live, 1);
  EXPECT_EQ(run.At(60s).peak_live, 1);
  EXPECT_EQ(run.At(60s).stopped, 60 * rate_) << "with each message";
}

TEST_P(Busy, LeakyInModeGo123HoldsOne) {
  Staged run("idle_timeout", Variant::kLeaky, workload_, TimerMode::kGo123);
  EXPECT_EQ(run.At(31s).live, 1);
  EXPECT_EQ(run.At(31s).peak_abandoned, 0);
  EXPECT_EQ(run.At(31s).collected, 31 * rate_);
}

TEST_P(Busy, BothSidesHandleEveryMessageForAMinuteAndNeverPoll) {
  for (const auto timers : {TimerMode::kGo122, TimerMode::kGo123}) {
    for (const Function function : {&leaky::IdleTimeout, &fixed::IdleTimeout}) {
      int handled = 0;
      int polls = 0;
      Bubble bubble({.timers = timers});
      Chan<std::string> messages;
      bubble.Run([&] { messages = MakeChan<std::string>(1); });
      bubble.Go([&] {
        function(messages, kQuiet,
                 {.handle = [&](const std::string&) { ++handled; }, .poll = [&] { ++polls; }});
      });
      Schedule(bubble, ParseWorkload(workload_), [&] { EXPECT_TRUE(messages.TrySend("hello")); });
      bubble.AdvanceTo(60s);
      EXPECT_EQ(handled, 60 * rate_);
      EXPECT_EQ(polls, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(MessagesASecond, Busy, testing::Values(1, 100, 1'000),
                         testing::PrintToStringParamName());

// ---- the heap

TEST(IdleTimeout, OnTheHeapLeakyAddsOneBlockForEachMessageAndFixedNone) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    const Timeline timeline = RunPattern(
        Find("idle_timeout"), {.variant = variant, .workload = ParseWorkload("busy:100/s")});
    const std::int64_t after_one = timeline.samples[1].heap.live_blocks;
    const bool leaky = variant == Variant::kLeaky;
    EXPECT_EQ(timeline.samples[11].heap.live_blocks - after_one, leaky ? 1000 : 0);
    EXPECT_EQ(timeline.samples[60].heap.live_blocks, timeline.samples[30].heap.live_blocks);
  }
}

}  // namespace
}  // namespace pairs
