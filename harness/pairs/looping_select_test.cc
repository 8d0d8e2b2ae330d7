#include "pairs/looping_select.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "afterleak/heap/heap.h"
#include "pairs/diary.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

constexpr auto kLeaky = Variant::kLeaky;
constexpr auto kFixed = Variant::kFixed;

TEST(LoopingSelectLeaky, IdleKeepsOneMoreTimerEveryThreeSecondsUntilElevenAreLive) {
  Staged run("looping_select", kLeaky, "idle");
  for (int turn = 0; turn <= 9; ++turn) {
    const CensusTotals t = run.At(turn * 3s);
    EXPECT_EQ(t.live, 2 + turn) << "turn " << turn;
    EXPECT_EQ(t.abandoned, turn) << "turn " << turn;
    EXPECT_EQ(t.armed, 2 * (turn + 1)) << "two new timers a turn";
  }
  for (const Duration later : {Duration(28s), Duration(30s), Duration(60s), Duration(600s)}) {
    const CensusTotals t = run.At(later);
    EXPECT_EQ(t.live, 11) << "1 + 10";
    EXPECT_EQ(t.abandoned, 9);
  }
}

TEST(LoopingSelectLeaky, TheGiveUpTimersDoFireFromThirtySecondsOnAndNobodyHearsThem) {
  Staged run("looping_select", kLeaky, "idle");
  EXPECT_EQ(run.At(30s - 1ns).fired_unheard, 0);
  EXPECT_EQ(run.At(30s).fired_unheard, 1);
  EXPECT_EQ(run.At(33s).fired_unheard, 2);
  EXPECT_EQ(run.At(60s).fired_unheard, 11);
}

TEST(LoopingSelectLeaky, NeverEnds) {
  Staged run("looping_select", kLeaky, "idle");
  run.At(1h);
  EXPECT_NE(ToString(run.bubble().Goroutines()).find("[select]: leaky/looping_select.cc:"),
            std::string::npos)
      << ToString(run.bubble().Goroutines());
}

TEST(LoopingSelectLeaky, TheCensusNamesTheLineThatArmed) {
  Staged run("looping_select", kLeaky, "idle");
  run.At(60s);
  const CensusReport report = run.bubble().Report();
  ASSERT_EQ(report.sites.size(), 2u);
  const SiteReport& give_up = report.sites[0];
  EXPECT_EQ(give_up.file, "leaky/looping_select.cc");
  EXPECT_EQ(give_up.function, "leaky::LoopingSelect");
  EXPECT_EQ(give_up.kind, "time::After");
  EXPECT_EQ(give_up.live, 10);
  EXPECT_EQ(give_up.abandoned, 9);
  EXPECT_EQ(give_up.oldest_age, 27s);
  EXPECT_EQ(give_up.shortest_left, 3s);
  EXPECT_EQ(give_up.longest_left, 30s);
  EXPECT_EQ(report.sites[1].line + 1, give_up.line);
  EXPECT_EQ(report.sites[1].live, 1);
}

TEST(LoopingSelectFixed, IdlePollsTenTimesAndEndsAtThirtySecondsExactly) {
  int polls = 0;
  Time ended{};
  Bubble bubble;
  bubble.Go([&] {
    fixed::LoopingSelect({}, {}, {.handle = [](const std::string&) {}, .poll = [&] { ++polls; }});
    ended = time::Now();
  });
  for (Duration at{}; at < 30s; at += 1s) {
    bubble.AdvanceTo(at);
    EXPECT_EQ(bubble.Totals().live, 2) << "a deadline and a ticker";
    EXPECT_EQ(bubble.Totals().abandoned, 0);
  }
  bubble.AdvanceTo(60s);
  EXPECT_EQ(polls, 10);
  EXPECT_EQ(ended, Time(30s));
  EXPECT_EQ(bubble.Totals().live, 0);
  EXPECT_EQ(ToString(bubble.Goroutines()), "");
}

TEST(LoopingSelect, IdleStaysBoundedOverARunTenTimesAsLongOnBothSides) {
  for (const Variant variant : {kLeaky, kFixed}) {
    for (const TimerMode timers : {TimerMode::kGo122, TimerMode::kGo123}) {
      RunOptions options{.variant = variant, .workload = {}, .bubble = {.timers = timers}};
      const std::int64_t once = MostLive(RunPattern(Find("looping_select"), options));
      options.length *= 10;
      EXPECT_EQ(MostLive(RunPattern(Find("looping_select"), options)), once);
      EXPECT_EQ(once, variant == kLeaky && timers == TimerMode::kGo122 ? 11 : 2);
    }
  }
}

TEST(LoopingSelectLeaky, IdleInModeGo123KeepsOnlyWhatTheSelectRefersTo) {
  Staged run("looping_select", kLeaky, "idle", TimerMode::kGo123);
  for (const Duration at : {Duration(0s), Duration(27s), Duration(30s), Duration(600s)}) {
    EXPECT_EQ(run.At(at).live, 2);
    EXPECT_EQ(run.At(at).abandoned, 0);
  }
  EXPECT_GT(run.At(600s).collected, 0);
}

// ---- what both sides do

class Modes : public testing::TestWithParam<TimerMode> {};

TEST_P(Modes, IdleBothSidesPollAtTheSameInstantsUntilTheFixedOneGivesUp) {
  for (const auto function : {&leaky::LoopingSelect, &fixed::LoopingSelect}) {
    std::vector<std::string> expected;
    for (Duration at = 3s; at <= 30s; at += 3s) expected.push_back(FormatDuration(at) + " polled");
    if (function == &leaky::LoopingSelect)
      expected.insert(expected.end(), {"33s polled", "36s polled", "39s polled"});
    else
      expected.emplace_back("30s returned");
    Diary diary;
    Bubble bubble({.timers = GetParam()});
    bubble.Go([&] {
      function({}, {}, diary.Loop());
      diary.Note("returned");
    });
    bubble.AdvanceTo(40s);
    EXPECT_EQ(diary.lines(), expected);
  }
}

TEST_P(Modes, OfSixThousandMessagesInAMinuteLeakyHandlesAllAndFixed2999AndPollsThoughTheyCome) {
  for (const auto function : {&leaky::LoopingSelect, &fixed::LoopingSelect}) {
    int handled = 0;
    int polls = 0;
    Time returned{};
    Bubble bubble({.timers = GetParam()});
    Chan<std::string> messages;
    bubble.Run([&] { messages = MakeChan<std::string>(1); });
    bubble.Go([&] {
      function(messages, {},
               {.handle = [&](const std::string&) { ++handled; }, .poll = [&] { ++polls; }});
      returned = time::Now();
    });
    Schedule(bubble, ParseWorkload("busy:100/s"), [&] { messages.TrySend("hello"); });
    bubble.AdvanceTo(60s);
    const bool leaky = function == &leaky::LoopingSelect;
    EXPECT_EQ(handled, leaky ? 6000 : 2999);
    EXPECT_EQ(polls, leaky ? 0 : 10);
    EXPECT_EQ(returned, leaky ? Time() : Time(30s)) << "leaky goes on";
  }
}

INSTANTIATE_TEST_SUITE_P(, Modes, kTimerModes, NameOfTimerMode);

// ---- a number of messages a second

class Busy : public testing::TestWithParam<int> {
 protected:
  const int rate_ = GetParam();
  const std::string workload_ = "busy:" + std::to_string(rate_) + "/s";
};

TEST_P(Busy, LeakyHolds33TimersForEachMessageASecond) {
  Staged run("looping_select", kLeaky, workload_);
  for (const Duration at : {Duration(30s), Duration(31s), Duration(60s)}) {
    const CensusTotals t = run.At(at);
    EXPECT_EQ(t.live, 33 * rate_);
    EXPECT_EQ(t.abandoned, 33 * rate_ - 2);
  }
}

TEST_P(Busy, FixedHoldsTwo) {
  Staged run("looping_select", kFixed, workload_);
  for (const Duration at : {Duration(0s), Duration(1s), Duration(15s), Duration(30s - 1ns)})
    EXPECT_EQ(run.At(at).live, 2);
  EXPECT_EQ(run.At(30s).live, 0);
  EXPECT_EQ(run.At(30s).peak_live, 2);
}

TEST_P(Busy, LeakyInModeGo123HoldsTwo) {
  Staged run("looping_select", kLeaky, workload_, TimerMode::kGo123);
  EXPECT_EQ(run.At(31s).live, 2);
  EXPECT_EQ(run.At(31s).peak_abandoned, 0);
}

// The deadline of the fix is absolute, so the fixed side does not do the same work.
TEST_P(Busy, BothSidesHandleEveryMessageUntilTheFixedOneReturnsAtThirtySeconds) {
  for (const auto function : {&leaky::LoopingSelect, &fixed::LoopingSelect}) {
    int handled = 0;
    Bubble bubble;
    Chan<std::string> messages;
    bubble.Run([&] { messages = MakeChan<std::string>(1); });
    bubble.Go([&] {
      function(messages, {}, {.handle = [&](const std::string&) { ++handled; }, .poll = [] {}});
    });
    Schedule(bubble, ParseWorkload(workload_), [&] { messages.TrySend("hello"); });
    bubble.AdvanceTo(30s - 1ns);
    EXPECT_EQ(handled, 30 * rate_ - 1);
    bubble.AdvanceTo(31s);
    EXPECT_EQ(handled, function == &leaky::LoopingSelect ? 31 * rate_ : 30 * rate_ - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(MessagesASecond, Busy, testing::Values(1, 100, 1'000, 10'000),
                         testing::PrintToStringParamName());

// ---- the heap

TEST(LoopingSelectLeaky, EachAbandonedTimerIsOneHeapBlockThatGoesWithItsDeadline) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  All();  // is made once, and stays
  const heap::Scope scope;
  {
    Staged run("looping_select", kLeaky, "idle");
    run.At(0s);
    const heap::Usage before = scope.usage();
    const CensusTotals plateau = run.At(27s);
    const heap::Usage after = scope.usage();
    EXPECT_EQ(after.live_blocks - before.live_blocks, 9);
    EXPECT_EQ(after.live_bytes - before.live_bytes, 9 * plateau.live_bytes / plateau.live);
    EXPECT_LE(plateau.live_bytes / plateau.live, 160);
    run.At(600s);
    EXPECT_EQ(scope.usage().live_blocks, after.live_blocks) << "as many come as go";
  }
  EXPECT_EQ(scope.usage().live_blocks, 0);
}

TEST(LoopingSelectFixed, LeavesNothingOnTheHeapAfterItsEnd) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  Bubble bubble;
  const heap::Scope scope;
  bubble.Go(
      [] { fixed::LoopingSelect({}, {}, {.handle = [](const std::string&) {}, .poll = [] {}}); });
  bubble.AdvanceTo(15s);
  EXPECT_GT(scope.usage().live_blocks, 0);
  bubble.AdvanceTo(30s);
  EXPECT_EQ(scope.usage().live_blocks, 0);
  EXPECT_EQ(scope.usage().live_bytes, 0);
}

}  // namespace
}  // namespace pairs
