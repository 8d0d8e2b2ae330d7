#include "pairs/early_return.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
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

using Function = std::optional<std::string> (*)(Chan<std::string>, LoopTimes);

// Has a message ready for each call, and makes this many calls at the present instant.
void Call(Function function, int calls) {
  const auto messages = MakeChan<std::string>(1);
  const Time before = time::Now();
  for (int i = 0; i < calls; ++i) {
    messages.Send("message " + std::to_string(i));
    EXPECT_EQ(function(messages, {}), "message " + std::to_string(i));
  }
  EXPECT_EQ(time::Now(), before) << "it returns at once";
}

CensusTotals TotalsAt(Bubble& bubble, Duration at) {
  bubble.AdvanceTo(at);
  EXPECT_TRUE(bubble.Totals().Conserved());
  return bubble.Totals();
}

class Calls : public testing::TestWithParam<int> {};

TEST_P(Calls, LeakyLeavesTwoTimersEachHalfForThreeSecondsAndHalfForThirty) {
  const int calls = GetParam();
  Bubble bubble;
  bubble.Run([&] { Call(leaky::EarlyReturn, calls); });
  EXPECT_EQ(bubble.Totals().live, 2 * calls);
  EXPECT_EQ(bubble.Totals().abandoned, 2 * calls);
  EXPECT_EQ(TotalsAt(bubble, 3s - 1ns).abandoned, 2 * calls);
  EXPECT_EQ(TotalsAt(bubble, 3s).abandoned, calls);
  EXPECT_EQ(TotalsAt(bubble, 30s - 1ns).abandoned, calls);
  EXPECT_EQ(TotalsAt(bubble, 30s).live, 0);
  EXPECT_EQ(bubble.Totals().fired_unheard, 2 * calls);
}

TEST_P(Calls, FixedLeavesNothing) {
  Bubble bubble;
  bubble.Run([&] {
    for (int i = 0; i < GetParam(); ++i) {
      Call(fixed::EarlyReturn, 1);
      EXPECT_EQ(Bubble::Current().Totals().live, 0);
    }
  });
  EXPECT_EQ(bubble.Totals().peak_live, 2);
  EXPECT_EQ(bubble.Totals().peak_abandoned, 0);
}

TEST_P(Calls, LeakyInModeGo123LeavesNothing) {
  Bubble bubble({.timers = TimerMode::kGo123});
  bubble.Run([&] { Call(leaky::EarlyReturn, GetParam()); });
  EXPECT_EQ(bubble.Totals().live, 0);
  EXPECT_EQ(bubble.Totals().collected, 2 * GetParam());
}

TEST_P(Calls, TheHeapGrowsByOneBlockATimerAndReturnsToWhereItWas) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  const int calls = GetParam();
  Bubble bubble;
  const heap::Scope scope;
  bubble.Run([&] { Call(leaky::EarlyReturn, calls); });
  EXPECT_EQ(scope.usage().live_blocks, 2 * calls);
  EXPECT_EQ(scope.usage().live_bytes, bubble.Totals().live_bytes);
  bubble.AdvanceTo(3s);
  EXPECT_EQ(scope.usage().live_blocks, calls);
  bubble.AdvanceTo(30s);
  EXPECT_EQ(scope.usage().live_blocks, 0);
  EXPECT_EQ(scope.usage().live_bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(Number, Calls, testing::Values(1, 1000),
                         testing::PrintToStringParamName());

TEST(EarlyReturn, WithoutAMessageTheFixedSideGivesUpAtThirtySecondsExactly) {
  Bubble bubble;
  bubble.Run([] {
    EXPECT_EQ(fixed::EarlyReturn({}, {}), std::nullopt);
    EXPECT_EQ(time::Now(), Time(30s));
  });
  EXPECT_EQ(bubble.Totals().live, 0);
  EXPECT_EQ(bubble.Totals().ticks, 10);
}

TEST(EarlyReturn, WithoutAMessageTheLeakySideNeverGivesUp) {
  Staged run("early_return", Variant::kLeaky, "idle");
  EXPECT_EQ(run.At(1h).live, 11);
  EXPECT_NE(ToString(run.bubble().Goroutines()).find("leaky/early_return.cc"), std::string::npos);
}

TEST(EarlyReturn, AMessageThatComesLaterEndsTheWaitThen) {
  for (const auto function : {&leaky::EarlyReturn, &fixed::EarlyReturn}) {
    Bubble bubble;
    bubble.Run([&] {
      const auto messages = MakeChan<std::string>();
      Go([&] {
        time::Sleep(7s);
        messages.Send("late");
      });
      EXPECT_EQ(function(messages, {}), "late");
      EXPECT_EQ(time::Now(), Time(7s));
    });
    EXPECT_EQ(bubble.Totals().live, function == &leaky::EarlyReturn ? 4 : 0)
        << "three turns: 3 s timer, three of 30 s";
  }
}

class Modes : public testing::TestWithParam<TimerMode> {};

TEST_P(Modes, BothSidesReturnEachMessageAtTheInstantAtWhichItComes) {
  for (const auto function : {&leaky::EarlyReturn, &fixed::EarlyReturn}) {
    std::vector<std::string> expected;
    Diary diary;
    Bubble bubble({.timers = GetParam()});
    Chan<std::string> messages;
    bubble.Run([&] { messages = MakeChan<std::string>(1); });
    bubble.Go([&] {
      for (;;) diary.Note("returned " + function(messages, {}).value_or("nothing"));
    });
    for (const Duration at : {Duration(500ms), Duration(3s), Duration(20s), Duration(49s)}) {
      bubble.At(at, [=] { messages.TrySend("hello"); });
      expected.push_back(FormatDuration(at) + " returned hello");
    }
    bubble.AdvanceTo(60s);
    EXPECT_EQ(diary.lines(), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(, Modes, kTimerModes, NameOfTimerMode);

TEST(EarlyReturn, UnderLoadTheLeakySideHolds33ForEachCallASecondAndTheFixedSideNone) {
  Staged leaky("early_return", Variant::kLeaky, "busy:100/s");
  Staged fixed("early_return", Variant::kFixed, "busy:100/s");
  Staged collected("early_return", Variant::kLeaky, "busy:100/s", TimerMode::kGo123);
  for (const Duration at : {Duration(30s), Duration(300s)}) {
    EXPECT_EQ(leaky.At(at).live, 3300);
    EXPECT_EQ(leaky.At(at).abandoned, 3300);
    EXPECT_EQ(fixed.At(at).live, 0);
    EXPECT_EQ(collected.At(at).live, 0);
  }
  EXPECT_EQ(fixed.At(300s).peak_live, 2);
}

}  // namespace
}  // namespace pairs
