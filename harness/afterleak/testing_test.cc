#include "afterleak/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "afterleak/afterleak.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

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

// ---- abandoned

TEST(HasNoAbandonedTimers, FailsWithTheLine) {
  Bubble bubble;
  bubble.Go([] { Serve(true); });
  bubble.AdvanceTo(2s);
  EXPECT_THAT(bubble, Not(HasNoAbandonedTimers()));
  testing::StringMatchResultListener listener;
  testing::ExplainMatchResult(HasNoAbandonedTimers(), bubble, &listener);
  EXPECT_THAT(listener.str(), HasSubstr("abandoned: 3 x time::After"));
  EXPECT_THAT(listener.str(), HasSubstr("testing_test.cc"));
  EXPECT_THAT(listener.str(), HasSubstr("Serve"));
}

TEST(HasNoAbandonedTimers, RemembersWhatHasFiredSince) {
  Bubble bubble;
  bubble.Run([] { std::ignore = time::After(5s); });
  bubble.AdvanceTo(60s);
  EXPECT_THAT(bubble, HasLiveTimers(0));
  EXPECT_THAT(bubble, Not(HasNoAbandonedTimers()));
}

TEST(HasNoAbandonedTimers, IsSilentOnTheFixedSide) {
  Bubble bubble;
  bubble.Go([] { Serve(false); });
  bubble.AdvanceTo(60s);
  EXPECT_THAT(bubble, HasNoAbandonedTimers());
}

TEST(HasNoAbandonedTimers, FailsIfNothingWasArmedAlsoWhereItIsNegated) {
  Bubble bubble;
  EXPECT_NONFATAL_FAILURE(testing::Value(bubble, HasNoAbandonedTimers()), "nothing was armed");
  EXPECT_TRUE(CheckAbandoned(bubble, {.may_be_idle = true}));
}

// A request with a limit, and a step of it that can be cancelled: a timer and a context.
void Handle() {
  const auto [request, cancel] = context::WithTimeout(context::Background(), 30s);
  const Defer cancel_request(cancel);
  const Defer cancel_step(context::WithCancel(request).second);
}

TEST(HasNoAbandonedTimers, HoldsWhereThereIsAContextForEachTimer) {
  Bubble bubble;
  bubble.Run(Handle);
  EXPECT_EQ(bubble.Totals().armed, bubble.Totals(Resource::kContext).armed);
  EXPECT_THAT(bubble, HasNoAbandonedTimers());
}

TEST(CheckAbandoned, SaysWhatWasArmedAndAbandoned) {
  Bubble bubble;
  bubble.Run([] { std::ignore = time::After(5s); });
  EXPECT_THAT(CheckAbandoned(bubble).summary,
              testing::AllOf(StartsWith("1 timers armed, 0 contexts, 0 goroutines started; "),
                             HasSubstr("at most 1 at once")));
}

// ---- growing

TEST(LiveTimersStayBounded, FailsOnAnAbandonedTimerAndNamesItsLine) {
  Bubble bubble;
  bubble.Go([] { Serve(true); });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("abandoned"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("testing_test.cc"));
  EXPECT_EQ(bubble.Now(), Time(10s)) << "the first window proves it";
}

TEST(LiveTimersStayBounded, NamesASiteOnceIfItGrowsAndIsAbandonedAtLast) {
  std::vector<time::Timer> kept;
  Bubble bubble;
  bubble.Go([&] {
    for (int i = 0; i < 95; ++i) time::Sleep(1s), kept.push_back(time::NewTimer(24h));
    kept.clear();
    Select({});
  });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_THAT(std::string(result.message()), HasSubstr("abandoned: 95 x time::NewTimer"));
  EXPECT_THAT(std::string(result.message()), Not(HasSubstr("growing")));
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
  EXPECT_THAT(std::string(result.message()), HasSubstr("growing: 101 x time::AfterFunc"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("31 41 51 61 71 81 91 101"));
}

TEST(LiveTimersStayBounded, FailsOnGoroutinesThatGrow) {
  Bubble bubble;
  bubble.Go([] {
    for (;;) {
      Go([never = MakeChan<int>()] { never.Recv(); });
      time::Sleep(1s);
    }
  });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("x goroutine"));
}

TEST(LiveTimersStayBounded, HoldsForAServerThatKeepsOneTicker) {
  Bubble bubble;
  bubble.Go([] { Serve(false); });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_TRUE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("never more than 1 timers were live in"));
  EXPECT_EQ(bubble.Now(), Time(100s));
}

// This many timers, stopped after `held`.
void Burst(int count, Duration held) {
  std::vector<time::ScopedTimer> timers;
  for (int i = 0; i < count; ++i) timers.emplace_back(10s);
  time::Sleep(held);
}

TEST(LiveTimersStayBounded, HoldsForBurstsThatNoSampleWouldMeet) {
  Bubble bubble;
  bubble.Go([] {
    for (;;) Burst(100, 400ms), time::Sleep(12700ms);
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 60s));
}

TEST(LiveTimersStayBounded, FailsOnPeaksThatGrowBetweenTheInstantsOfASample) {
  Bubble bubble;
  bubble.Go([] {
    for (int n = 1;; ++n) time::Sleep(5s), Burst(n * 10, 900ms), time::Sleep(100ms);
  });
  EXPECT_FALSE(LiveTimersStayBounded(bubble, 60s));
}

TEST(LiveTimersStayBounded, HoldsForAPhaseThatComesRarely) {
  Bubble bubble;
  bubble.Go([] {
    for (;;) time::Sleep(45s), Burst(1, 2s);
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 30s));
}

// Ten seconds in which this many timers are live at once.
void Peak(int count) { time::Sleep(1s), Burst(count, 8s), time::Sleep(1s); }

// Each window has its peak; the highest one so far would rise without end.
TEST(LiveTimersStayBounded, HoldsForPeaksThatFallInBetween) {
  Bubble bubble;
  bubble.Go([] {
    for (int n = 1;; ++n) Peak(n % 2 == 0 ? n : 1);
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 10s));
}

TEST(LiveTimersStayBounded, FailsOnWhatGrowsAfterAWarmUpThatWasHigher) {
  Bubble bubble;
  bubble.Go([] {
    Peak(1), Peak(100);
    for (int n = 1;; ++n) Peak(n);
  });
  const testing::AssertionResult result = LiveTimersStayBounded(bubble, 10s);
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("window by window: 1 2 3 4 5 6 7 8"));
}

TEST(LiveTimersStayBounded, HoldsForALateFirstTimerAndForAWarmUp) {
  Bubble bubble;
  std::vector<time::Timer> kept;
  bubble.Go([&] {
    for (int i = 0; i < 50; ++i) time::Sleep(1s), kept.push_back(time::NewTimer(1h));
    time::Sleep(40s);
    kept.push_back(time::NewTimer(1h));
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 10s));
}

TEST(LiveTimersStayBounded, FailsIfNothingWasArmedOrTimeDidNotAdvance) {
  Bubble bubble;
  EXPECT_NONFATAL_FAILURE(std::ignore = LiveTimersStayBounded(bubble, 10s), "nothing was armed");
  EXPECT_NONFATAL_FAILURE(std::ignore = LiveTimersStayBounded(bubble, 0s), "does not advance");
  bubble.Go([] { Serve(false); });
  bubble.Interrupt();
  EXPECT_NONFATAL_FAILURE(std::ignore = LiveTimersStayBounded(bubble, 10s), "did not advance");
}

TEST(LiveTimersStayBounded, FailsIfTimeDidNotAdvanceByAllWindows) {
  for (const Duration passed : {10s, 99s, 100s}) {
    Bubble bubble;
    bubble.Go([] { Serve(false); });
    bubble.At(Time(passed), [&] { bubble.Interrupt(); });
    const Verdict verdict = CheckBounded(bubble, 10s);
    EXPECT_EQ(verdict.unfounded.empty(), passed == 100s) << verdict.unfounded;
  }
  Bubble bubble;
  EXPECT_THAT(CheckBounded(bubble, 40 * 365 * 24h).unfounded,
              HasSubstr("more than a clock has room for"));
  EXPECT_EQ(bubble.Now(), Time());
}

// ---- left behind

// Asks a backend, which answers after 5 ms.
void Ask(bool leaks) {
  auto answer = MakeChan<int>(1);
  Go([answer] { time::Sleep(5ms), answer.Send(1); });
  time::Timer limit = time::NewTimer(30s);
  Select({Recv(answer), Recv(limit.C())});
  if (!leaks) limit.Stop();
}

TEST(LeavesNothingBehind, FailsOnATimerAndNamesItsLine) {
  Bubble bubble;
  const testing::AssertionResult result =
      LeavesNothingBehind(bubble, [] { Ask(true); }, {.calls = 3});
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("3 x time::NewTimer"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("testing_test.cc"));
  EXPECT_EQ(bubble.Now(), Time(15ms));  // no later than the work needs
}

TEST(LeavesNothingBehind, IsSilentOnTheFixedSide) {
  Bubble bubble;
  EXPECT_TRUE(LeavesNothingBehind(bubble, [] { Ask(false); }, {.calls = 100}));
  EXPECT_NO_THROW(bubble.Advance(48h)) << "the limit was for the work";
}

TEST(LeavesNothingBehind, FailsOnAContextThatStaysWithItsParent) {
  std::vector<context::Cancelable> kept;
  Bubble bubble;
  bubble.Run([&] { kept.push_back(context::WithCancel(context::Background())); });
  const testing::AssertionResult result =
      LeavesNothingBehind(bubble, [&] { kept.push_back(context::WithCancel(kept.front().first)); });
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("left behind: 1 x context::WithCancel"));
}

TEST(LeavesNothingBehind, FailsOnAGoroutineAndSaysWhereItWaits) {
  Bubble bubble;
  const testing::AssertionResult result =
      LeavesNothingBehind(bubble, [] { Go([never = MakeChan<int>()] { never.Recv(); }); });
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("left behind: 1 x goroutine"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("waits in chan receive at"));
}

TEST(LeavesNothingBehind, GivesWhatIsEndingTheTimeItIsToldTo) {
  const auto work = [] { Go([] { time::Sleep(2s); }); };
  Bubble strict, patient;
  EXPECT_FALSE(LeavesNothingBehind(strict, work));
  EXPECT_TRUE(LeavesNothingBehind(patient, work, {.grace = 3s}));
}

TEST(LeavesNothingBehind, FailsOnHeapBlocksOfEveryCall) {
  if (!heap::Counting()) GTEST_SKIP() << "operator new does not count here";
  std::vector<std::unique_ptr<int>> kept;
  kept.reserve(1000);
  Bubble bubble;
  const auto work = [&] {
    Ask(false);
    kept.push_back(std::make_unique<int>(1));
  };
  const testing::AssertionResult result = LeavesNothingBehind(bubble, work, {.calls = 100});
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("70 x heap block"));
  EXPECT_THAT(std::string(result.message()), HasSubstr("1 more for each call"));
}

TEST(LeavesNothingBehind, IsSilentForACacheThatIsFull) {
  if (!heap::Counting()) GTEST_SKIP() << "operator new does not count here";
  std::vector<std::unique_ptr<int>> cache;
  Bubble bubble;
  EXPECT_TRUE(LeavesNothingBehind(bubble,
                                  [&] {
                                    Ask(false);
                                    if (cache.size() == 15) cache.erase(cache.begin());
                                    cache.push_back(std::make_unique<int>(1));
                                  },
                                  {.calls = 100, .heap = HeapCheck::kRequired}));
}

TEST(LeavesNothingBehind, FailsOnPeaksThatRiseWithTheWork) {
  Bubble bubble;
  int held = 0;
  const testing::AssertionResult result =
      LeavesNothingBehind(bubble, [&] { Burst(++held, 1ms); }, {.calls = 40});
  EXPECT_FALSE(result);
  EXPECT_THAT(std::string(result.message()), HasSubstr("growing: 40 x time::NewTimer"));
  Bubble steady;
  EXPECT_TRUE(LeavesNothingBehind(steady, [] { Burst(40, 1ms); }, {.calls = 40}));
}

TEST(LeavesNothingBehind, IsSilentForPeaksThatFallInBetween) {
  Bubble bubble;
  int call = 0;
  const auto work = [&] { ++call, Burst(call % 2 == 0 ? call : 1, 1ms); };
  EXPECT_TRUE(LeavesNothingBehind(bubble, work, {.calls = 10}));
}

TEST(LeavesNothingBehind, NamesASiteOnceIfItIsLeftBehindAndGrows) {
  std::vector<time::Timer> kept;
  Bubble bubble;
  const testing::AssertionResult result =
      LeavesNothingBehind(bubble, [&] { kept.push_back(time::NewTimer(1h)); }, {.calls = 10});
  EXPECT_THAT(std::string(result.message()), HasSubstr("left behind: 10 x time::NewTimer"));
  EXPECT_THAT(std::string(result.message()), Not(HasSubstr("growing")));
}

TEST(LeavesNothingBehind, AllowsWhatIsMeantToStay) {
  Bubble bubble;
  const WorkOptions options{.allowed = Allowance().At("testing_test.cc", 1)};
  EXPECT_TRUE(LeavesNothingBehind(bubble, [] { Ask(true); }, options));
  EXPECT_FALSE(LeavesNothingBehind(bubble, [] { Ask(true), Ask(true); }, options));
}

TEST(LeavesNothingBehind, FailsIfTheWorkDidNothingOrDoesNotReturn) {
  Bubble bubble;
  EXPECT_NONFATAL_FAILURE(std::ignore = LeavesNothingBehind(bubble, [] {}), "armed nothing");
  EXPECT_TRUE(LeavesNothingBehind(bubble, [] {}, {.may_be_idle = true}));
  EXPECT_NONFATAL_FAILURE(std::ignore = LeavesNothingBehind(bubble, [] { MakeChan<int>().Recv(); }),
                          "does not return: all goroutines are asleep");
  EXPECT_NONFATAL_FAILURE(
      std::ignore = LeavesNothingBehind(bubble, [] { Serve(false); }, {.limit = 10s}),
      "has not returned after 10s");
  EXPECT_NONFATAL_FAILURE(
      std::ignore = LeavesNothingBehind(bubble, [] { Ask(false); }, {.calls = 0}),
      "no call was asked for");
}

TEST(LeavesNothingBehind, EndsWorkThatTakesLongerThanItsLimitAndSaysWhatWaits) {
  Bubble bubble;
  const auto check = [&](const WorkOptions& options) {
    const auto work = [] {
      Go([] { MakeChan<int>().Recv(); });
      time::Sleep(100h);
    };
    const Verdict verdict = CheckLeftBehind(bubble, work, options);
    EXPECT_THAT(verdict.unfounded, HasSubstr("[chan receive]: "));
    EXPECT_THAT(verdict.unfounded, HasSubstr("[sleep"));
    EXPECT_THAT(verdict.unfounded, HasSubstr("testing_test.cc"));
    return verdict.unfounded;
  };
  EXPECT_THAT(check({.limit = 10s}), StartsWith("the work has not returned after 10s\n"));
  EXPECT_EQ(bubble.Now(), Time(10s));
  EXPECT_THAT(check({}), StartsWith("the work has not returned after 24h"));
  EXPECT_EQ(bubble.Now(), Time(24h + 10s));
}

TEST(HasNothingLeftSince, JudgesWhatCameAfterTheBaseline) {
  Bubble bubble;
  bubble.Run([] { Ask(true); });
  const Inventory before = bubble.Alive();
  bubble.Run([] { Ask(false); });
  EXPECT_THAT(bubble, HasNothingLeftSince(before));
  bubble.Run([] { Ask(true); });
  EXPECT_THAT(bubble, Not(HasNothingLeftSince(before)));
}

TEST(HasNothingLeftSince, FailsIfNothingWasArmedAndHoldsForOneTimerThatWasStopped) {
  Bubble bubble;
  const Inventory before = bubble.Alive();
  EXPECT_NONFATAL_FAILURE(testing::Value(bubble, HasNothingLeftSince(before)),
                          "nothing was armed and no goroutine started");
  EXPECT_TRUE(CheckLeftSince(before, bubble, {.may_be_idle = true}));
  bubble.Run([] { time::NewTimer(1s).Stop(); });
  EXPECT_THAT(bubble, HasNothingLeftSince(before));
  EXPECT_EQ(CheckLeftSince(before, bubble).summary,
            "1 timers armed, 0 contexts, 0 goroutines started");
}

// ---- every test of a program

TEST(NothingLeftBehind, FailsATestThatLeavesATimerInTheDefaultBubble) {
  NothingLeftBehind listener;
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  time::Timer timer;
  listener.OnTestStart(info);
  timer = time::NewTimer(1h);
  EXPECT_NONFATAL_FAILURE(listener.OnTestEnd(info), "testing_test.cc");
  timer.Stop();
  listener.OnTestEnd(info);  // silent now
}

TEST(NothingLeftBehind, FailsATestInWhichABubbleAbandonedATimer) {
  NothingLeftBehind listener, allows(Allowance().At("testing_test.cc"));
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  const auto leak = [] {
    Bubble bubble;
    bubble.Run([] { std::ignore = time::After(5s); });
  };
  listener.OnTestStart(info);
  EXPECT_NONFATAL_FAILURE(leak(), "abandoned: 1 x time::After");
  {
    Bubble idle;
  }  // silent
  listener.OnTestEnd(info);
  allows.OnTestStart(info);
  leak();  // silent
  allows.OnTestEnd(info);
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
