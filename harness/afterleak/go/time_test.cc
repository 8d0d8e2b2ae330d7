// What package time promises, in both timer modes: each rule in the design's section "Timers"
// is a test.
#include "afterleak/go/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/select.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time At(Duration since_start) { return Time(since_start); }

class TimeTest : public TimerModeTest {};

class RealTimeTest : public TimerModeTest {
 protected:
  RealTimeTest() : TimerModeTest(ClockKind::kReal) {}
};

struct Go122TimeTest : testing::Test, TestBubble {
  Go122TimeTest() : TestBubble({.timers = TimerMode::kGo122}) {}
};
struct Go123TimeTest : testing::Test, TestBubble {
  Go123TimeTest() : TestBubble({.timers = TimerMode::kGo123}) {}
};

INSTANTIATE_TEST_SUITE_P(Modes, TimeTest, kTimerModes, NameOfTimerMode);
INSTANTIATE_TEST_SUITE_P(Modes, RealTimeTest, kTimerModes, NameOfTimerMode);

// ---- Stop and Reset

TEST_P(TimeTest, StopIsTrueWhileActiveAndFalseOnASecondCall) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    EXPECT_TRUE(timer.Stop());
    EXPECT_FALSE(timer.Stop());
    time::Sleep(10s);
    EXPECT_FALSE(timer.C().TryRecv());
  });
  EXPECT_EQ(Totals().stopped, 1);
}

TEST_P(TimeTest, StopIsFalseAfterAReceive) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    EXPECT_EQ(timer.C().Recv(), At(3s));
    EXPECT_FALSE(timer.Stop());
  });
  EXPECT_EQ(Totals().fired, 1);
  EXPECT_EQ(Totals().stopped, 0);
}

TEST_P(TimeTest, StopDoesNotCloseTheChannelSoAReceiveAfterwardsBlocksForEver) {
  try {
    InBubble([] {
      const time::Timer timer = time::NewTimer(3s);
      timer.Stop();
      timer.C().Recv();
    });
    FAIL() << "the receive returned";
  } catch (const Deadlock& deadlock) {
    EXPECT_THAT(deadlock.what(), HasSubstr("chan receive"));
  }
}

TEST_P(TimeTest, StopOfATickerDoesNotCloseItsChannel) {
  EXPECT_THROW(InBubble([] {
                 const time::Ticker ticker = time::NewTicker(3s);
                 ticker.Stop();
                 ticker.Stop();
                 ticker.C().Recv();
               }),
               Deadlock);
}

TEST_P(TimeTest, ResetTellsWhetherTheTimerWasActiveAndMovesTheDeadline) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    time::Sleep(2s);
    EXPECT_TRUE(timer.Reset(3s)) << "active";
    EXPECT_EQ(timer.C().Recv(), At(5s)) << "only the new deadline counts";
    EXPECT_FALSE(timer.Reset(1s)) << "received";
    EXPECT_TRUE(timer.Stop());
    EXPECT_FALSE(timer.Reset(1s)) << "stopped";
    EXPECT_EQ(timer.C().Recv(), At(6s));
  });
  EXPECT_EQ(Totals().armed, 4);
  EXPECT_EQ(Totals().stopped, 2);
  EXPECT_EQ(Totals().fired, 2);
}

TEST_P(TimeTest, AValueReadLateCarriesTheTimeOfExpiry) {
  InBubble([] {
    const RecvChan<Time> after = time::After(3s);
    time::Sleep(10s);
    EXPECT_EQ(after.Recv(), At(3s));
    EXPECT_EQ(time::Now(), At(10s));
    EXPECT_EQ(time::Since(At(3s)), 7s);
  });
}

TEST_F(Go122TimeTest, LenAndCapAreZeroAndOneUntilExpiryAndThenOneAndOne) {
  InBubble([] {
    const RecvChan<Time> after = time::After(3s);
    EXPECT_EQ(after.Len(), 0u);
    EXPECT_EQ(after.Cap(), 1u);
    time::Sleep(3s);
    EXPECT_EQ(after.Len(), 1u);
    EXPECT_EQ(after.Cap(), 1u);
  });
}

TEST_F(Go123TimeTest, LenAndCapAreAlwaysZero) {
  InBubble([] {
    const RecvChan<Time> after = time::After(3s);
    EXPECT_EQ(after.Len(), 0u);
    EXPECT_EQ(after.Cap(), 0u);
    time::Sleep(3s);
    EXPECT_EQ(after.Len(), 0u);
    EXPECT_EQ(after.Cap(), 0u);
    EXPECT_EQ(after.TryRecv(), At(3s)) << "and yet there is a value";
  });
}

TEST_F(Go122TimeTest, StopOfAnExpiredUnreadTimerIsFalseAndTheStaleValueStaysReadable) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    time::Sleep(5s);
    EXPECT_FALSE(timer.Stop());
    EXPECT_EQ(timer.C().TryRecv(), At(3s));
  });
}

TEST_F(Go123TimeTest, StopOfAnExpiredUnreadTimerIsTrueAndTheStaleValueIsGone) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    time::Sleep(5s);
    EXPECT_TRUE(timer.Stop());
    EXPECT_FALSE(timer.Stop());
    EXPECT_FALSE(timer.C().TryRecv());
  });
  EXPECT_EQ(Totals().fired, 1);
  EXPECT_EQ(Totals().stopped, 0) << "it had fired";
}

TEST_F(Go122TimeTest, ResetOfAnExpiredUnreadTimerIsFalseAndItsChannelHoldsTheFirstValueOnly) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    time::Sleep(5s);
    EXPECT_FALSE(timer.Reset(1s));
    time::Sleep(5s);
    EXPECT_EQ(timer.C().Len(), 1u);
    EXPECT_EQ(timer.C().TryRecv(), At(3s));
    EXPECT_FALSE(timer.C().TryRecv()) << "that of 6 s found the channel full";
  });
}

TEST_F(Go123TimeTest, ResetOfAnExpiredUnreadTimerIsTrueAndOnlyTheNewValueCanBeRead) {
  InBubble([] {
    const time::Timer timer = time::NewTimer(3s);
    time::Sleep(5s);
    EXPECT_TRUE(timer.Reset(1s));
    EXPECT_FALSE(timer.C().TryRecv());
    EXPECT_EQ(timer.C().Recv(), At(6s));
  });
}

TEST_P(TimeTest, AStaleTickIsKeptByStopAndResetInGo122AndTakenBackInGo123) {
  InBubble([&] {
    const time::Ticker ticker = time::NewTicker(3s);
    time::Sleep(4s);
    ticker.Reset(10s);
    EXPECT_EQ(ticker.C().Recv(), go122() ? At(3s) : At(14s));
    time::Sleep(10s);
    ticker.Stop();
    EXPECT_EQ(ticker.C().TryRecv().has_value(), go122());
  });
}

// ---- tickers

TEST_P(TimeTest, ATickerDropsWhatIsNotReadAndKeepsItsPhase) {
  InBubble([] {
    const time::Ticker ticker = time::NewTicker(3s);
    time::Sleep(10s);
    EXPECT_EQ(ticker.C().Recv(), At(3s)) << "the oldest; those of 6 s and 9 s are dropped";
    EXPECT_EQ(ticker.C().Recv(), At(12s));
    EXPECT_EQ(time::Now(), At(12s));
    ticker.Reset(5s);
    EXPECT_EQ(ticker.C().Recv(), At(17s)) << "a new phase";
    EXPECT_EQ(ticker.C().Recv(), At(22s));
  });
  EXPECT_EQ(Totals().ticks, 6);
}

TEST_P(RealTimeTest, ATickerThatIsLateKeepsItsPhaseAndDoesNotCatchUp) {
  InBubble([&] {
    const time::ScopedTicker ticker(1ms);
    const Time first = ticker.C().Recv().value();
    // Holds up the thread that fires timers for at least 20 periods.
    bubble_.At(Time{}, [] { std::this_thread::sleep_for(20ms); });
    Time last = first;
    while (last < first + 40ms) {
      const Time tick = ticker.C().Recv().value();
      EXPECT_GT(tick, last);
      EXPECT_EQ((tick - first) % 1ms, 0ms);
      last = tick;
    }
    const std::int64_t ticks = Totals().ticks;  // read before the time, because both go on
    EXPECT_LE(ticks, 1 + (time::Now() - first) / 1ms - 15);
  });
}

TEST_P(TimeTest, ATickerWithoutAPositivePeriodPanics) {
  InBubble([] {
    EXPECT_EQ(PanicOf([] { std::ignore = time::NewTicker(0s); }),
              "non-positive interval for NewTicker");
    EXPECT_EQ(PanicOf([] { std::ignore = time::NewTicker(-1ns); }),
              "non-positive interval for NewTicker");
    EXPECT_EQ(PanicOf([] { time::ScopedTicker ticker(0s); }),
              "non-positive interval for NewTicker");
    const time::Ticker ticker = time::NewTicker(3s);
    EXPECT_EQ(PanicOf([&] { ticker.Reset(0s); }), "non-positive interval for Ticker.Reset");
    EXPECT_EQ(ticker.C().Recv(), At(3s)) << "as before";
  });
}

TEST_P(TimeTest, TickOfNothingIsNil) {
  InBubble([] {
    EXPECT_TRUE(time::Tick(0s).IsNil());
    EXPECT_TRUE(time::Tick(-1s).IsNil());
    EXPECT_EQ(time::Tick(2s).Recv(), At(2s));
  });
}

// ---- the smallest, the largest, and none

TEST_P(TimeTest, DelaysOfZeroAndLessAreDueAtOnce) {
  InBubble([] {
    for (const Duration delay : {Duration(0), Duration(-1s), Duration::min()}) {
      EXPECT_EQ(time::After(delay).Recv(), At(0s));
      const time::Timer timer = time::NewTimer(1h);
      timer.Reset(delay);
      EXPECT_EQ(timer.C().Recv(), At(0s));
      const auto ran = MakeChan<Time>();
      time::AfterFunc(delay, [&] { ran.Send(time::Now()); });
      EXPECT_EQ(ran.Recv(), At(0s));
      time::Sleep(delay);
    }
    EXPECT_EQ(time::Now(), At(0s));
  });
}

TEST_P(TimeTest, ASleepOfNothingReturnsAtOnce) {
  InBubble([] {
    bool ran = false;
    Go([&] { ran = true; });
    for (const Duration delay : {Duration(0), Duration(-1s), Duration::min()}) time::Sleep(delay);
    EXPECT_FALSE(ran) << "it is no yield";
    time::Sleep(Duration(1));
    EXPECT_TRUE(ran);
  });
}

TEST_P(TimeTest, ATimerOfNothingIsReadableAtOnceInGo123AndAfterAYieldInGo122) {
  InBubble([&] {
    const time::Timer timer = time::NewTimer(0s);
    EXPECT_EQ(timer.C().TryRecv().has_value(), !go122());
    const time::Timer other = time::NewTimer(-1s);
    EXPECT_EQ(Select({Recv(other.C()), Default()}), go122() ? 1 : 0);
    Gosched();
    EXPECT_EQ(timer.C().TryRecv().has_value(), go122());
    EXPECT_EQ(other.C().TryRecv().has_value(), go122());
    const time::Timer stopped = time::NewTimer(0s);
    EXPECT_TRUE(stopped.Stop()) << "it has not fired, though it is due";
    EXPECT_FALSE(stopped.C().TryRecv());
  });
  EXPECT_EQ(Totals().fired, 2);
}

TEST_P(TimeTest, ACallbackOfNothingRunsWhileItsMakerYields) {
  InBubble([] {
    bool ran = false;
    time::AfterFunc(0s, [&] { ran = true; });
    Gosched();
    EXPECT_TRUE(ran);
  });
}

TEST_P(TimeTest, TheLargestDelayNeverFires) {
  InBubble([&] {
    time::Sleep(1ns);  // now the sum would overflow
    const time::Timer timer = time::NewTimer(Duration::max());
    const time::Ticker ticker = time::NewTicker(Duration::max());
    time::Sleep(std::chrono::hours(24 * 365 * 200));
    EXPECT_EQ(Totals().fired + Totals().ticks, 0);
    EXPECT_EQ(Totals().live, 2);
    EXPECT_TRUE(timer.Stop());
    ticker.Stop();
  });
  EXPECT_THROW(InBubble([] { time::After(Duration::max()).Recv(); }), Deadlock);
}

TEST(UninitializedTimerTest, HasANilChannelAndPanicsWhenItIsStoppedOrReset) {
  const time::Timer timer;
  EXPECT_FALSE(timer);
  EXPECT_EQ(PanicOf([&] { timer.Stop(); }), "time: Stop called on uninitialized Timer");
  EXPECT_EQ(PanicOf([&] { timer.Reset(1s); }), "time: Reset called on uninitialized Timer");
  EXPECT_TRUE(timer.C().IsNil());
  const time::Ticker ticker;
  EXPECT_FALSE(ticker);
  EXPECT_EQ(PanicOf([&] { ticker.Stop(); }), "no panic") << "as in Go";
  EXPECT_EQ(PanicOf([&] { ticker.Reset(1s); }), "time: Reset called on uninitialized Ticker");
  EXPECT_TRUE(ticker.C().IsNil());
}

// ---- AfterFunc

TEST_P(TimeTest, AfterFuncHasNoChannel) {
  InBubble([] {
    const time::Timer timer = time::AfterFunc(3s, [] {});
    EXPECT_TRUE(timer.C().IsNil());
    time::Sleep(3s);
    EXPECT_TRUE(timer.C().IsNil());
  });
}

TEST_P(TimeTest, EachCallbackRunsInAGoroutineOfItsOwn) {
  InBubble([] {
    const auto gate = MakeChan<int>();
    std::vector<int> got;
    time::AfterFunc(3s, [&] { got.push_back(gate.Recv().value()); });
    time::AfterFunc(3s, [&] { got.push_back(gate.Recv().value()); });
    EXPECT_EQ(time::After(4s).Recv(), At(4s)) << "blocked callbacks hold nothing up";
    gate.Send(1);
    gate.Send(2);
    Wait();
    EXPECT_THAT(got, ElementsAre(1, 2));
  });
}

TEST_P(TimeTest, StopDoesNotWaitForTheCallback) {
  InBubble([] {
    bool done = false;
    const time::Timer timer = time::AfterFunc(1s, [&] {
      time::Sleep(5s);
      done = true;
    });
    time::Sleep(2s);
    EXPECT_FALSE(timer.Stop());
    EXPECT_EQ(time::Now(), At(2s));
    EXPECT_FALSE(done);
    time::Sleep(4s);
    EXPECT_TRUE(done);
  });
}

TEST_P(TimeTest, AStoppedAfterFuncNeverRuns) {
  InBubble([] {
    const time::Timer timer = time::AfterFunc(1s, [] { ADD_FAILURE() << "ran"; });
    EXPECT_TRUE(timer.Stop());
    EXPECT_FALSE(timer.Stop());
    time::Sleep(2s);
  });
}

TEST_P(TimeTest, StopInsideTheCallbackIsFalse) {
  InBubble([] {
    time::Timer timer;
    std::optional<bool> stopped;
    timer = time::AfterFunc(1s, [&] { stopped = timer.Stop(); });
    time::Sleep(2s);
    EXPECT_EQ(stopped, false);
  });
}

TEST_P(TimeTest, ResetInsideTheCallbackMayOverlapItsRuns) {
  InBubble([] {
    time::Timer timer;
    std::vector<std::pair<Time, int>> starts;
    int running = 0;
    timer = time::AfterFunc(1s, [&] {
      starts.emplace_back(time::Now(), ++running);
      if (starts.size() < 3) {
        EXPECT_FALSE(timer.Reset(1s));
      }
      time::Sleep(10s);
      --running;
    });
    time::Sleep(60s);
    EXPECT_THAT(starts,
                ElementsAre(std::pair(At(1s), 1), std::pair(At(2s), 2), std::pair(At(3s), 3)));
    EXPECT_EQ(running, 0);
  });
}

// Takes the lock of its bubble; if the caller holds that lock, the process hangs.
struct TakesTheLock {
  ~TakesTheLock() { Take(); }
  void Take() const { chan.TrySend(static_cast<int>(time::NewTimer(1h).Stop())); }
  Chan<int> chan;
};

TEST_P(TimeTest, CallbacksAndTheirDestructorsRunWithoutALockHeld) {
  Chan<int> taken;
  {
    Bubble ends({.timers = GetParam()});
    ends.Run([&] {
      taken = MakeChan<int>(100);
      const auto state = [&] { return std::make_shared<TakesTheLock>(taken); };
      time::AfterFunc(1s, [used = state()] { used->Take(); });
      time::Sleep(2s);
      EXPECT_EQ(taken.Len(), 2u) << "called, destroyed";
      time::Timer stopped = time::AfterFunc(1s, [used = state()] { used->Take(); });
      stopped.Stop();
      stopped = {};
      EXPECT_EQ(taken.Len(), 3u) << "destroyed";
      time::AfterFunc(1h, [used = state()] {});
    });
  }
  EXPECT_EQ(taken.Len(), 4u) << "destroyed with the bubble, while pending";
}

TEST_P(RealTimeTest, CallbacksMayUseTimersAndChannels) {
  InBubble([] {
    const auto done = MakeChan<int>(1);
    time::Timer timer;
    const auto armed = MakeChan<int>(1);
    timer = time::AfterFunc(0s, [&] {
      armed.Recv();
      EXPECT_FALSE(timer.Stop());
      time::After(1us).Recv();
      time::AfterFunc(1us, [&] { done.Send(7); });
    });
    armed.Send(1);
    EXPECT_EQ(done.Recv(), 7);
  });
}

// ---- scopes

TEST_P(TimeTest, ScopedTimersAndTickersStopOnEveryPath) {
  InBubble([&] {
    const auto live = [&] { return Totals().live; };
    for (const bool fails : {false, true}) {
      try {
        const time::ScopedTimer timer(3s);
        const time::ScopedTicker ticker(3s);
        const RecvChan<Time> outlives = timer.C();
        EXPECT_EQ(live(), 2);
        if (fails) throw std::runtime_error("on the way out");
      } catch (const std::runtime_error&) {
      }
      EXPECT_EQ(live(), 0);
    }
    const time::ScopedTimer again(3s);
    EXPECT_TRUE(again.Reset(1s));
    EXPECT_EQ(again.C().Recv(), At(1s));
    EXPECT_FALSE(again.Stop());
  });
  EXPECT_EQ(Totals().stopped, 5);
}

TEST_P(TimeTest, AScopedTimerThatWasMovedStopsOnceAndOneThatIsReplacedStopsBefore) {
  InBubble([this] {
    {
      time::ScopedTimer first(3s);
      EXPECT_TRUE(first.Reset(4s));
      time::ScopedTimer second(std::move(first));
      EXPECT_EQ(Totals().live, 1);
      second = time::ScopedTimer(5s);
      EXPECT_EQ(Totals().live, 1);
      EXPECT_EQ(second.C().Recv(), At(5s));
    }
    EXPECT_EQ(Totals().live, 0);
    {
      time::ScopedTicker first(3s);
      first.Reset(2s);
      time::ScopedTicker second(std::move(first));
      EXPECT_EQ(second.C().Recv(), At(7s));
      EXPECT_EQ(Totals().live, 1);
      second = time::ScopedTicker(1s);
      EXPECT_EQ(Totals().live, 1);
      EXPECT_EQ(second.C().Recv(), At(8s));
      second.Stop();
      EXPECT_EQ(Totals().live, 0);
    }
    EXPECT_EQ(Totals().live, 0);
  });
}

TEST_P(TimeTest, AScopedTimerTakesOverACallback) {
  InBubble([this] {
    int calls = 0;
    {
      const time::ScopedTimer late(time::AfterFunc(3s, [&] { ++calls; }));
      const time::ScopedTimer soon(time::AfterFunc(1s, [&] { ++calls; }));
      time::Sleep(2s);
    }
    EXPECT_EQ(Totals().live, 0);
    time::Sleep(2s);
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(TimeTest, CallbacksNeedNotBeCopyable) {
  InBubble([] {
    int got = 0;
    time::AfterFunc(1s, [value = std::make_unique<int>(7), &got]() mutable { got = (*value)++; });
    time::Sleep(2s);
    EXPECT_EQ(got, 7);
  });
}

TEST_P(TimeTest, ACallbackThatHoldsItsOwnTimerCanBeResetAndGoesAtTheEndOfTheBubble) {
  const auto held = std::make_shared<int>();
  const auto make = [&](Duration delay) {
    const auto timer = std::make_shared<time::Timer>();
    *timer = time::AfterFunc(delay, [timer, held] { ++*held; });
    return timer;
  };
  {
    Bubble ends({.timers = GetParam()});
    ends.Run([&] {
      make(1h);
      make(1h)->Stop();
      const auto fired = make(1s);
      time::Sleep(2s);
      EXPECT_EQ(*held, 1);
      EXPECT_FALSE(fired->Reset(1s));
      time::Sleep(2s);
      EXPECT_EQ(*held, 2) << "Reset runs it again";
    });
    EXPECT_EQ(held.use_count(), 4);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST_P(TimeTest, TheGoroutineOfACallbackIsStartedAtTheLineOfItsAfterFunc) {
  InBubble([&] {
    time::AfterFunc(1s, [] { Select({}); });
    const unsigned line = __LINE__ - 1;
    time::Sleep(2s);
    const std::vector<SiteReport> sites = bubble_.Report(Resource::kGoroutine).sites;
    EXPECT_TRUE(std::ranges::any_of(
        sites, [&](const SiteReport& s) { return s.line == line && s.live == 1; }));
  });
}

TEST_P(TimeTest, ACallbackIsChargedToTheHeapScopeThatArmedIt) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  for (const bool sleeper_first : {true, false}) {
    heap::Usage of_sleeper, of_maker;
    char* kept = nullptr;
    const auto sleep = [&] {
      const heap::Scope scope;
      time::Sleep(10s);
      of_sleeper = scope.usage();
    };
    const auto make = [&] {
      const heap::Scope scope;
      time::AfterFunc(5s, [&] { kept = new char[1000]; });
      time::Sleep(20s);
      of_maker = scope.usage();
    };
    Bubble bubble({.timers = GetParam()});
    if (sleeper_first) bubble.Go(sleep);
    bubble.Go(make);
    if (!sleeper_first) bubble.Go(sleep);
    bubble.Advance(30s);
    EXPECT_EQ(of_sleeper.total_bytes, 0)
        << "though it may drive the clock when the callback is due";
    EXPECT_EQ(of_maker.live_bytes, 1000);
    delete[] kept;
  }
}

TEST(TimeUntil, IsWhatIsLeft) {
  Bubble().Run([] {
    time::Sleep(1s);
    EXPECT_EQ(time::Until(At(3s)), 2s);
    EXPECT_EQ(time::Until(Time()), -1s);
  });
}

TEST(ScopedTimerTest, StopsWhenItsGoroutineIsUnwoundAtTheEndOfTheBubble) {
  const auto kept = std::make_shared<RecvChan<Time>>();
  {
    Bubble bubble;
    bubble.Go([kept] {
      const time::ScopedTimer timer(1h);
      *kept = timer.C();
      time::After(2h).Recv();
    });
    bubble.Advance(1s);
    EXPECT_EQ(bubble.Totals().live, 2);
  }
  EXPECT_FALSE(kept->TryRecv());
}

TEST_P(TimeTest, ATimerMayOutliveItsBubbleButNothingHappensToItAnyMore) {
  time::Timer timer;
  time::Ticker ticker;
  {
    Bubble bubble({.timers = GetParam()});
    bubble.Run([&] {
      timer = time::NewTimer(3s);
      ticker = time::NewTicker(2s);
      time::Sleep(2s);
    });
  }
  EXPECT_FALSE(timer.Stop());
  EXPECT_FALSE(timer.Reset(1s));
  EXPECT_FALSE(timer.C().TryRecv());
  EXPECT_EQ(ticker.C().TryRecv(), At(2s));
  EXPECT_NE(PanicOf([&] { timer.C().Recv(); }), "no panic");
}

// ---- census: who is live, who is abandoned

TEST_P(TimeTest, AnAfterThatIsDroppedIsAbandonedInGo122AndCollectedInGo123AtOnce) {
  InBubble([&] {
    std::ignore = time::After(3s);
    EXPECT_EQ(Totals().abandoned, go122() ? 1 : 0);
    EXPECT_EQ(Totals().live, go122() ? 1 : 0);
    EXPECT_EQ(Totals().collected, go122() ? 0 : 1);
    time::Sleep(3s);
  });
  EXPECT_EQ(Totals().live, 0);
  EXPECT_EQ(Totals().abandoned, 0);
  EXPECT_EQ(Totals().peak_abandoned, go122() ? 1 : 0);
  EXPECT_EQ(Totals().fired, go122() ? 1 : 0);
  EXPECT_EQ(Totals().fired_unheard, go122() ? 1 : 0);
}

TEST_P(TimeTest, EveryHandleKeepsItsTimerHeard) {
  InBubble([&] {
    const auto heard = [&] { return Totals().live == 1 && Totals().abandoned == 0; };
    const auto lost = [&] { return Totals().live - Totals().abandoned == 0; };
    {
      RecvChan<Time> original = time::After(3s);
      const RecvChan<Time> copy = original;
      original = {};
      EXPECT_TRUE(heard()) << "a copy of the channel";
    }
    EXPECT_TRUE(lost());
    time::Sleep(3s);
    {
      const time::Timer timer = time::NewTimer(3s);
      timer.C();
      EXPECT_TRUE(heard()) << "the timer alone: who holds it can ask for the channel";
    }
    EXPECT_TRUE(lost());
    time::Sleep(3s);
    {
      const RecvChan<Time> chan = time::NewTimer(3s).C();
      EXPECT_TRUE(heard()) << "the channel alone";
    }
    EXPECT_TRUE(lost());
  });
}

TEST_P(TimeTest, AChannelInAParkedSelectIsHeardUntilAnotherCaseWins) {
  InBubble([&] {
    const auto messages = MakeChan<int>();
    Go([&] { EXPECT_EQ(Select({Recv(messages), Recv(time::After(30s))}), 0); });
    time::Sleep(10s);
    EXPECT_EQ(Totals().live, 1);
    EXPECT_EQ(Totals().abandoned, 0);
    messages.Send(1);
    Wait();
    EXPECT_EQ(Totals().abandoned, go122() ? 1 : 0);
    EXPECT_EQ(Totals().collected, go122() ? 0 : 1);
    const CensusTotals totals = Totals();
    EXPECT_DOUBLE_EQ(totals.byte_seconds_lost, 20.0 * static_cast<double>(totals.abandoned_bytes));
  });
}

TEST_P(TimeTest, OnlyWhatIsLiveCanBeAbandoned) {
  InBubble([] {
    time::NewTimer(3s).Stop();
    const RecvChan<Time> unread = time::After(3s);
    time::Sleep(3s);
  });
  EXPECT_EQ(Totals().peak_abandoned, 0);
  EXPECT_EQ(Totals().collected, 0);
  EXPECT_EQ(Totals().fired_unheard, 0) << "it had a handle when it fired";
}

TEST_P(TimeTest, AfterFuncIsRootedAndNeverAbandoned) {
  bool ran = false;
  InBubble([&] {
    time::AfterFunc(3s, [&] { ran = true; });
    EXPECT_EQ(Totals().live, 1);
    EXPECT_EQ(Totals().rooted, 1);
    EXPECT_EQ(Totals().abandoned, 0);
    time::Sleep(4s);
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(Totals().fired, 1);
  EXPECT_EQ(Totals().fired_unheard, 0);
  EXPECT_EQ(Totals().rooted, 0);
}

TEST_P(TimeTest, ADroppedTickerTicksForEverInGo122AndIsCollectedInGo123) {
  InBubble([&] {
    const RecvChan<Time> kept = time::Tick(3s);
    std::ignore = time::Tick(3s);
    std::ignore = time::NewTicker(5s);
    time::Sleep(60s);
    const CensusTotals totals = Totals();
    EXPECT_EQ(totals.live, go122() ? 3 : 1);
    EXPECT_EQ(totals.abandoned, go122() ? 2 : 0);
    EXPECT_EQ(totals.collected, go122() ? 0 : 2);
    EXPECT_EQ(totals.ticks, go122() ? 20 + 20 + 12 : 20);
    EXPECT_EQ(totals.fired, 0) << "a tick ends nothing";
    EXPECT_EQ(totals.byte_seconds_lost, 0) << "no end, no sum";
  });
}

TEST_P(TimeTest, TheCensusNamesTheLineOfEveryArmingCall) {
  InBubble([&] {
    std::vector<std::pair<int, std::string>> lines;  // and the kind
    const auto after = (lines.emplace_back(__LINE__, "time::After"), time::After(1h));
    const auto timer = (lines.emplace_back(__LINE__, "time::NewTimer"), time::NewTimer(1h));
    const auto ticker = (lines.emplace_back(__LINE__, "time::NewTicker"), time::NewTicker(1h));
    const auto tick = (lines.emplace_back(__LINE__, "time::Tick"), time::Tick(1h));
    const auto func = (lines.emplace_back(__LINE__, "time::AfterFunc"), time::AfterFunc(1h, [] {}));
    const auto reset = time::NewTimer(1h);
    lines.emplace_back(__LINE__, "time::NewTimer"), reset.Reset(1h);
    const auto ticks = time::NewTicker(1h);
    lines.emplace_back(__LINE__, "time::NewTicker"), ticks.Reset(1h);
    lines.emplace_back(__LINE__ + 1, "time::NewTimer");
    const time::ScopedTimer scoped(1h);
    lines.emplace_back(__LINE__ + 1, "time::NewTicker");
    const time::ScopedTicker scoped_ticker(1h);
    const time::ScopedTimer scoped_reset(1h);
    lines.emplace_back(__LINE__, "time::NewTimer"), scoped_reset.Reset(1h);

    std::vector<std::pair<int, std::string>> live;
    for (const SiteReport& site : bubble_.Report().sites) {
      EXPECT_EQ(site.file, std::source_location::current().file_name());
      if (site.live == 1) live.emplace_back(site.line, site.kind);
    }
    EXPECT_THAT(live, testing::UnorderedElementsAreArray(lines));
  });
}

// ---- heap

TEST_P(TimeTest, TheBytesOfATimerAreWhatTheHeapHoldsWhateverItsKind) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  const auto bytes_of = [&](const auto& make) {
    InBubble([&] {
      const heap::Scope scope;
      const std::int64_t before = Totals().live_bytes;
      const auto handle = make();
      EXPECT_GT(scope.usage().live_bytes, 0);
      EXPECT_EQ(Totals().live_bytes - before, scope.usage().live_bytes);
    });
  };
  bytes_of([] { return time::After(1h); });
  bytes_of([] { return time::NewTimer(1h); });
  bytes_of([] { return time::Tick(1h); });
  bytes_of([] { return time::NewTicker(1h); });
  bytes_of([] { return time::AfterFunc(1h, [] {}); });
  bytes_of([large = std::array<char, 1000>()] {
    return time::AfterFunc(1h, [large] { EXPECT_EQ(large[0], 0); });
  });
}

TEST_P(TimeTest, AResetThatLeavesAValueIsCountedAtItsLine) {
  InBubble([&] {
    const time::Timer timer = time::NewTimer(1s);
    time::Sleep(2s);
    timer.Reset(1s);
    const unsigned line = __LINE__ - 1;
    if (go122()) timer.C().Recv();
    timer.Reset(1s);
    const std::int64_t stale = go122() ? 1 : 0;
    EXPECT_EQ(Totals().stale, stale) << "the second one came after a receive";
    for (const SiteReport& site : bubble_.Report().sites)
      EXPECT_EQ(site.stale, site.line == line ? stale : 0);
  });
}

TEST_P(TimeTest, OneAfterIsOneHeapBlockOf128BytesUntilItsDeadline) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const heap::Scope scope;
    std::ignore = time::After(3s);
    EXPECT_EQ(scope.usage().total_blocks, 1);
    EXPECT_EQ(scope.usage().total_bytes, 128);
    EXPECT_EQ(scope.usage().live_blocks, go122() ? 1 : 0) << "dropped";
    if (go122()) {
      EXPECT_EQ(scope.usage().live_bytes, Totals().live_bytes) << "what the census says";
    }
    time::Sleep(3s);
    EXPECT_EQ(scope.usage().live_blocks, 0);
    time::NewTimer(3s).Stop();
    EXPECT_EQ(scope.usage().total_blocks, 2);
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
}

TEST_P(TimeTest, TenThousandDroppedTimersLeaveTheHeapAsItWas) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const heap::Scope scope;
    for (int i = 0; i < 10'000; ++i) std::ignore = time::After(std::chrono::milliseconds(i));
    EXPECT_EQ(scope.usage().live_blocks, go122() ? 10'000 : 0);
    time::Sleep(5s);
    EXPECT_EQ(scope.usage().live_blocks, Totals().live);
    time::AfterFunc(1s, [] {});
    EXPECT_GT(scope.usage().live_blocks, Totals().live) << "a callback takes its own";
    time::Sleep(6s);
    Wait();
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
}

// ---- order

TEST_P(TimeTest, SleepIsNoLiveTimer) {
  bubble_.Go([] { time::Sleep(5s); });
  bubble_.Advance(1s);
  EXPECT_EQ(Totals().armed, 0);
  EXPECT_EQ(Totals().live, 0);
  bubble_.AdvanceTo(At(10s));
  EXPECT_EQ(ToString(bubble_.Goroutines()), "") << "it has slept enough";
}

TEST_P(TimeTest, TimersDueAtOneInstantFireInOrderOfArmingBeforeAnyGoroutineRunsOn) {
  InBubble([] {
    const RecvChan<Time> later = time::After(3s + 1ns);
    const RecvChan<Time> first = time::After(3s);
    const RecvChan<Time> second = time::After(3s);
    EXPECT_EQ(Select({Recv(later), Recv(second), Recv(first)}), 2);
    EXPECT_EQ(time::Now(), At(3s));
    EXPECT_EQ(second.TryRecv(), At(3s)) << "it has fired too";
    EXPECT_FALSE(later.TryRecv());
  });
}

TEST_P(TimeTest, CallbacksAndReceiversRunInTheOrderInWhichTheirTimersFire) {
  InBubble([] {
    std::vector<int> order;
    time::AfterFunc(3s, [&] { order.push_back(1); });
    Go([&, after = time::After(3s)] { after.Recv(), order.push_back(2); });
    time::AfterFunc(3s, [&] { order.push_back(3); });
    time::AfterFunc(2s, [&] { order.push_back(0); });
    time::Sleep(4s);
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
  });
}

// ---- the real clock, and threads at the same time

TEST_P(RealTimeTest, ValuesCarryTheTimeOfExpiryHoweverLateTheyAreRead) {
  InBubble([] {
    const Time before = time::Now();
    const RecvChan<Time> after = time::After(2ms);
    const Time armed = time::Now();
    time::Sleep(5ms);
    const Time value = after.Recv().value();
    EXPECT_GE(value, before + 2ms);
    EXPECT_LE(value, armed + 2ms);
  });
}

TEST_P(RealTimeTest, EarlierTimersFireFirst) {
  InBubble([] {
    const RecvChan<Time> never = time::After(Duration::max());
    for (Duration delay = 20ms;; delay *= 2) {
      const Time start = time::Now();
      const RecvChan<Time> late = time::After(delay);
      const RecvChan<Time> soon = time::After(1ms);
      const int first = Select({Recv(never), Recv(late), Recv(soon)});
      if (time::Now() >= start + delay) continue;  // both may have been ready: the machine is slow
      EXPECT_EQ(first, 2);
      EXPECT_EQ(Select({Recv(never), Recv(late), Recv(soon)}), 1);
      break;
    }
  });
}

// However Stop, a receive and the firing meet, exactly one of them gets the value.
TEST_P(RealTimeTest, StopIsAtomicWithASendInFlight) {
  int stopped_in_time = 0;
  for (int round = 0; round < 300; ++round) {
    time::Timer timer;
    InBubble([&] { timer = time::NewTimer(std::chrono::microseconds(round % 60)); });
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { winners += timer.Stop(); });
    threads.emplace_back([&] { winners += timer.C().TryRecv().has_value(); });
    for (std::thread& thread : threads) thread.join();
    stopped_in_time += winners;
    winners += timer.C().TryRecv().has_value();
    EXPECT_EQ(winners, 1);
  }
  RecordProperty("stopped_in_time", stopped_in_time);
  EXPECT_EQ(Totals().live, 0);
}

TEST_P(RealTimeTest, ResetIsAtomicWithASendInFlight) {
  constexpr int kThreads = 4;
  constexpr int kResets = 300;
  time::Timer timer;
  InBubble([&] { timer = time::NewTimer(0s); });
  std::atomic<int> active = 0;
  std::atomic<int> received = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kResets; ++n) {
        active += timer.Reset(std::chrono::microseconds((n * 7 + i) % 20));
        received += timer.C().TryRecv().has_value();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  active += timer.Stop();
  received += timer.C().TryRecv().has_value();
  const CensusTotals totals = Totals();
  EXPECT_EQ(totals.armed, 1 + kThreads * kResets);
  EXPECT_EQ(totals.armed, totals.fired + totals.stopped);
  if (go122()) {
    EXPECT_EQ(active, totals.stopped);
    EXPECT_LE(received, totals.fired);
  } else {
    EXPECT_EQ(active + received, totals.armed) << "each value is received or taken back";
  }
}

TEST_P(RealTimeTest, HandlesMayGoWhileTheirTimersFire) {
  for (int round = 0; round < 20; ++round) {
    std::vector<RecvChan<Time>> handles(100);
    InBubble([&] {
      for (std::size_t i = 0; i < handles.size(); ++i) {
        handles[i] = time::After(std::chrono::microseconds(2 * i));
      }
    });
    handles.clear();
  }
  InBubble([] { time::Sleep(1ms); });
  EXPECT_EQ(Totals().live, 0);
}

TEST_P(RealTimeTest, HandlesMayGoWhileTheBubbleEnds) {
  for (int round = 0; round < 20; ++round) {
    std::vector<RecvChan<Time>> handles(2000);
    std::atomic<bool> ending = false;
    std::thread dropper([&] {
      while (!ending) std::this_thread::yield();
      for (RecvChan<Time>& handle : handles) handle = {};
    });
    {
      Bubble ends({.clock = ClockKind::kReal, .timers = GetParam()});
      ends.Run([&] {
        // The bubble is the first to drop it, and then its callback is destroyed.
        time::AfterFunc(1min,
                        [last = std::shared_ptr<void>(nullptr, [&](void*) { ending = true; })] {});
        for (RecvChan<Time>& handle : handles) handle = time::After(1h);
      });
    }
    dropper.join();
  }
}

}  // namespace
}  // namespace afterleak
