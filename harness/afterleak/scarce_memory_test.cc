// What happens when memory runs out. In a program that uses everything, each request for memory is
// refused once, one after the other. Each time the program ends with std::bad_alloc, or manages
// without; the ledger is conserved, the bubble ends, and nothing is left on the heap.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <tuple>

#include "afterleak/afterleak.h"
#include "tests/support/scarcity.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using scarcity::From;
using scarcity::LiveBlocks;
using scarcity::ScarceMemory;

// Larger than what a std::function or a SelectCase holds without the heap.
struct Large {
  int number = 0;
  char rest[60] = {};
};

void UseChannels() {
  const auto values = MakeChan<int>();
  const auto buffered = MakeChan<Large>(2);
  Go([=] {
    for (int i = 0; i < 3; ++i) values.Send(i);
    values.Close();
  });
  Go([=] { buffered.Send({7}); });
  for ([[maybe_unused]] const int value : values) {
  }
  Large large;
  const Chan<int> nil;
  Select({Recv(buffered, &large)});
  Select({Send(buffered, large), Default()});
  Select({Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil),
          Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil), Recv(nil),
          Default()});
}

void UseTimers() {
  const auto called = MakeChan<int>(9);
  const time::Timer timer = time::NewTimer(1us);
  timer.Stop();
  timer.Reset(2us);
  timer.C().Recv();
  const time::ScopedTicker ticker(3us);
  for (int i = 0; i < 3; ++i) ticker.C().Recv();
  std::ignore = time::Tick(1h);
  std::ignore = time::After(1h);
  time::AfterFunc(1h, [called] { called.Send(0); });
  time::AfterFunc(5us, [called, large = Large()] { called.Send(large.number); });
  time::AfterFunc(5us, [called] {
    time::Sleep(1us);
    called.Send(2);
  });
  called.Recv();
  called.Recv();
}

void UseContexts() {
  const auto [parent, cancel_parent] = context::WithCancel(context::Background());
  const Defer deferred(cancel_parent);
  const RecvChan<Unit> orphan = context::WithCancel(parent).first.Done();
  const auto [dropped, nobody_calls] = context::WithTimeout(parent, 1h);
  const auto [ctx, cancel] = context::WithTimeout(parent, 10us);
  const auto child = context::WithTimeout(ctx, 1h);
  child.first.Done().Recv();
  cancel();
  cancel_parent();
  orphan.Recv();
}

void UseSignals(bool real) {
  const auto signals = MakeChan<os::Signal>(1);
  signal::Notify(signals, {SIGUSR1});
  const Defer stop([&] { signal::Stop(signals); });
  signal::Raise(SIGUSR1);
  signals.Recv();
  auto [ctx, stop_context] = signal::NotifyContext(context::Background(), {SIGUSR2});
  const Defer deferred(stop_context);
  if (!real) signal::Raise(SIGUSR2);
  if (real) raise(SIGUSR2);
  ctx.Done().Recv();
}

// The totals are checked after everything that ends, well or not.
void UseEverything(ClockKind clock, TimerMode timers, bool* conserved) {
  Bubble bubble({.clock = clock, .timers = timers, .journal = true});
  const Defer check([&] { *conserved = *conserved && bubble.Totals().Conserved(); });
  const bool real = clock == ClockKind::kReal;
  bubble.At(Time(1us), [] { std::ignore = time::After(1h); });
  bubble.SampleAt(Time(2us), [&] { bubble.Report(); });
  bubble.Go([] { Select({}); });
  bubble.Run([=] {
    UseChannels();
    UseTimers();
    UseContexts();
    UseSignals(real);
    if (!real) Wait();
    Gosched();
  });
  *conserved = *conserved && bubble.Totals().Conserved();
  bubble.Advance(10us);
  if (bubble.Lives().empty() || ToString(bubble.Report()).empty() ||
      ToString(bubble.Goroutines()).empty())
    *conserved = false;
}

void EndInADeadlock(bool* conserved) {
  Bubble bubble;
  const Defer check([&] { *conserved = *conserved && bubble.Totals().Conserved(); });
  try {
    bubble.Run([] { time::NewTimer(Duration::max()).C().Recv(); });
  } catch (const Deadlock&) {
    return;
  }
  *conserved = false;
}

// Enough of them that the census needs more room again and again.
void ArmHundredsOfTimers(bool* conserved) {
  Bubble bubble({.journal = true});
  const Defer check([&] { *conserved = *conserved && bubble.Totals().Conserved(); });
  bubble.Run([] {
    for (int i = 0; i < 300; ++i) std::ignore = time::After(1h);
  });
}

// Refuses the first, the second, ... request of `program`, until it makes no more.
void RefuseEveryRequest(const std::function<void(bool* conserved)>& program, From from) {
  bool conserved = true;
  program(&conserved);  // allocates what stays for the whole process
  ASSERT_TRUE(conserved);
  for (int nth = 1;; ++nth) {
    SCOPED_TRACE("request " + std::to_string(nth));
    const std::int64_t before = LiveBlocks();
    bool refused = false;
    bool threw = false;
    std::optional<std::string> wrong;
    {
      const ScarceMemory scarce(nth, from);
      try {
        program(&conserved);
      } catch (const std::bad_alloc&) {
        threw = true;
      } catch (const std::exception& other) {
        wrong = "";
      }
      refused = scarce.Refused();
    }
    ASSERT_FALSE(wrong) << "it threw something else than bad_alloc";
    ASSERT_TRUE(conserved);
    ASSERT_EQ(LiveBlocks(), before) << "left behind";
    if (!refused) {
      ASSERT_FALSE(threw);
      ASSERT_GT(nth, 10) << "nothing was refused: nothing was tested";
      break;
    }
  }
}

class ScarceMemoryTest : public testing::TestWithParam<From> {};
INSTANTIATE_TEST_SUITE_P(Refused, ScarceMemoryTest, testing::Values(From::kOnce, From::kForGood),
                         [](const auto& from) {
                           return from.param == From::kOnce ? "Once" : "ForGood";
                         });

TEST_P(ScarceMemoryTest, EveryRequestOfAVirtualBubbleMayFail) {
  for (const TimerMode timers : {TimerMode::kGo122, TimerMode::kGo123}) {
    RefuseEveryRequest(
        [=](bool* conserved) { UseEverything(ClockKind::kVirtual, timers, conserved); },
        GetParam());
  }
}

TEST_P(ScarceMemoryTest, TheReportOfADeadlockMayFail) {
  RefuseEveryRequest(&EndInADeadlock, GetParam());
}

TEST_P(ScarceMemoryTest, TheCensusMayFailToGrow) {
  RefuseEveryRequest(&ArmHundredsOfTimers, GetParam());
}

// Each request fails once. If all failed from then on, a goroutine could fail after Run has
// reported another, and a failure that no call has reported ends the process.
TEST(ScarceMemory, EveryRequestOfARealBubbleMayFail) {
  RefuseEveryRequest(
      [](bool* conserved) { UseEverything(ClockKind::kReal, TimerMode::kGo122, conserved); },
      From::kOnce);
}

TEST(ScarceMemory, ALoopThatArmsWithoutEndThrowsAndTheBubbleIsGoodAfterwards) {
  Bubble bubble;
  bubble.Go([] {
    for (;;) std::ignore = time::After(30s);
  });
  {
    const ScarceMemory scarce(5000, From::kForGood);
    EXPECT_THROW(bubble.Advance(1s), std::bad_alloc);
  }
  EXPECT_TRUE(bubble.Totals().Conserved());
  EXPECT_GT(bubble.Totals().abandoned, 1000);
  bubble.Advance(30s);
  EXPECT_EQ(bubble.Totals().live, 0);
  EXPECT_TRUE(bubble.Totals().Conserved());
}

TEST(ScarceMemory, ACallbackThatCannotStartHasFiredAndAdvanceSaysSo) {
  Bubble bubble;
  int called = 0;
  bubble.Run([&] {
    time::AfterFunc(1s, [&] { ++called; });
    time::AfterFunc(2s, [&] { ++called; });
  });
  {
    const ScarceMemory scarce(1, From::kForGood);
    EXPECT_THROW(bubble.Advance(1s), std::bad_alloc);
  }
  EXPECT_EQ(bubble.Totals().fired, 1);
  bubble.Advance(1s);
  EXPECT_EQ(called, 1);
  EXPECT_EQ(bubble.Totals().fired, 2);
  EXPECT_TRUE(bubble.Totals().Conserved());
}

}  // namespace
}  // namespace afterleak
