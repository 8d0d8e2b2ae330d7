// How many threads the goroutines of a bubble need, and what happens when the system has no more.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "afterleak/afterleak.h"
#include "tests/support/scarcity.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using scarcity::ScarceThreads;

constexpr Bubble::Options kReal{.clock = ClockKind::kReal};

int Threads() {
  // With its first thread a program gets one that belongs to ThreadSanitizer.
  [[maybe_unused]] static const bool first = (std::thread([] {}).join(), true);
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

// No timeout here: ctest has one.
template <typename Condition>
void Until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}

TEST(Threads, TenThousandCallbacksAtOnceTakeAFewAndGiveThemBack) {
  constexpr int kCallbacks = 10'000;
  const int before = Threads();
  Bubble bubble(kReal);
  std::atomic<int> ran{0};
  std::atomic<int> most{0};
  bubble.Run([&] {
    for (int i = 0; i < kCallbacks; ++i) {
      time::AfterFunc(1ms, [&] {
        if (++ran % 100 == 0) most = std::max(most.load(), Threads());
      });
    }
  });
  Until([&] { return ran == kCallbacks; });
  EXPECT_EQ(bubble.Totals().fired, kCallbacks);
  // As many as there are processors, and one more for each 10 ms in which a busy machine let none
  // of them make progress.
  EXPECT_LT(most - before, kCallbacks / 10);
  Until([&] { return Threads() <= before + 1; });  // the clock's
}

TEST(Threads, AVirtualBubbleGivesThemBackToo) {
  const int before = Threads();
  Bubble bubble;
  bubble.Run([&] {
    for (int i = 0; i < 50; ++i) Go([] { time::Sleep(1s); });
    Wait();
    EXPECT_GT(Threads(), before + 40) << "each of the 50 keeps one while it is blocked";
  });
  bubble.Advance(1s);
  EXPECT_EQ(bubble.Goroutines().size(), 0u);
  Until([&] { return Threads() <= before; });
  bubble.Run([] { Go([] {}); });  // and takes new ones
}

TEST(Threads, WhatIsBlockedInAChannelHoldsUpNobody) {
  Bubble bubble(kReal);
  bubble.Run([] {
    const auto start = MakeChan<int>();
    const auto done = MakeChan<int>();
    constexpr int kMany = 200;
    for (int i = 0; i < kMany; ++i) {
      Go([=] {
        start.Recv();
        done.Send(1);
      });
    }
    for (int i = 0; i < kMany; ++i) start.Send(1);
    for (int i = 0; i < kMany; ++i) done.Recv();
  });
}

TEST(Threads, WhatIsBlockedOutsideOfTheRunTimeHoldsUpNobodyForLong) {
  Bubble bubble(kReal);
  bubble.Run([] {
    const int many = 3 * std::max(4, static_cast<int>(std::thread::hardware_concurrency()));
    std::latch all(many);
    const auto done = MakeChan<int>();
    for (int i = 0; i < many; ++i) {
      Go([&, done] {
        all.arrive_and_wait();
        done.Send(1);
      });
    }
    for (int i = 0; i < many; ++i) done.Recv();
  });
}

TEST(ScarceThreads, WithoutAnyGoThrowsAndTheBooksAreTrue) {
  Bubble bubble(kReal);
  const auto owned = std::make_shared<int>();
  {
    const ScarceThreads none(0);
    try {
      bubble.Go([owned] {});
      ADD_FAILURE() << "it found a thread";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::resource_unavailable_try_again);
      EXPECT_NE(std::string(error.what()).find("no thread for a goroutine"), std::string::npos)
          << error.what();
    }
    EXPECT_EQ(owned.use_count(), 1);
    EXPECT_EQ(bubble.Goroutines().size(), 0u);
    EXPECT_EQ(bubble.Totals(Resource::kGoroutine).live, 0);
    bubble.Run([] {
      EXPECT_THROW(time::After(1s), std::system_error) << "the clock has none";
      EXPECT_THROW(time::Sleep(1ns), std::system_error);
      EXPECT_THROW((void)context::WithTimeout(context::Background(), 1s), std::system_error);
    });
    EXPECT_THROW(bubble.At(Time{}, [] {}), std::system_error);
    EXPECT_EQ(bubble.Totals().armed, 0);
  }
  std::atomic<int> ran{0};
  bubble.Run([&] {
    const auto done = MakeChan<int>();
    Go([&, done] {
      ++ran;
      done.Close();
    });
    done.Recv();
  });
  EXPECT_EQ(ran, 1);
}

TEST(ScarceThreads, WithAFewTheGoroutinesOfARealBubbleTakeTurns) {
  Bubble bubble(kReal);
  const ScarceThreads scarce(3);  // one is the clock's
  bubble.Run([] {
    constexpr int kMany = 50;
    const auto done = MakeChan<int>(kMany);
    time::Sleep(1ns);
    for (int i = 0; i < kMany; ++i) {
      Go([=] {
        time::Sleep(10us);
        done.Send(1);
      });
    }
    for (int i = 0; i < kMany; ++i) done.Recv();
  });
  EXPECT_TRUE(scarce.Refused());
}

TEST(ScarceThreads, OneThatWaitsStartsWhenTheSystemHasAThreadAgain) {
  Bubble bubble(kReal);
  ScarceThreads scarce(2);
  bubble.Run([&] {
    const auto values = MakeChan<int>();
    Go([=] { values.Send(1); });  // blocks and never gives its thread back
    time::Sleep(1ns);
    Go([=] { values.Recv(); });
    Until([&] { return scarce.Refused(); });
    scarce.Grant(1);
    Until([&] { return bubble.Goroutines().size() == 1; });
  });
}

TEST(ScarceThreads, OneThatWaitsInVainWhileAllOthersAreBlockedIsAnError) {
  Bubble bubble({.clock = ClockKind::kReal, .stuck_after = 100ms});
  const ScarceThreads scarce(2);
  const auto owned = std::make_shared<int>();
  bubble.Run([] {
    Go([] { Select({}); });
    time::Sleep(1ns);  // the other thread is the clock's
  });
  bubble.Go([owned] { ADD_FAILURE() << "ran"; });
  try {
    bubble.Advance(1h);
    ADD_FAILURE() << "Advance said nothing";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("no thread for a goroutine"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(bubble.Goroutines().size(), 1u);
}

TEST(ScarceThreads, ABubbleEndsWithGoroutinesThatNeverHadAThread) {
  const auto owned = std::make_shared<int>();
  {
    Bubble bubble(kReal);
    const ScarceThreads scarce(2);
    bubble.Go([] { Select({}); });
    for (int i = 0; i < 20; ++i) bubble.Go([owned] { Select({}); });
    EXPECT_EQ(bubble.Goroutines().size(), 21u);
    EXPECT_GT(owned.use_count(), 1);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(ScarceThreads, WhenAVirtualBubbleHasNoneRunSaysHowManyThereAre) {
  Bubble bubble;
  const auto owned = std::make_shared<int>();
  const ScarceThreads scarce(10);
  try {
    bubble.Run([=] {
      for (int i = 0; i < 20; ++i) Go([owned] { Select({}); });
      time::Sleep(1s);
      ADD_FAILURE() << "20 goroutines on 10 threads";
    });
    ADD_FAILURE() << "Run said nothing";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("no more than the 10"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("scarce_threads_test.cc"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(bubble.Goroutines().size(), 10u) << "those that could not start are gone";
  EXPECT_EQ(owned.use_count(), 11);
  EXPECT_TRUE(bubble.Totals().Conserved());
}

TEST(ScarceThreads, ACallbackThatCannotStartHasFiredAndAdvanceSaysSo) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    Bubble bubble({.clock = clock});
    int called = 0;
    if (clock == ClockKind::kReal) {
      bubble.Run([] { const time::ScopedTimer timer(1h); });  // starts the clock's thread
    }
    {
      const ScarceThreads none(0);
      EXPECT_THROW(
          {
            bubble.Run([&] { time::AfterFunc(1ms, [&] { ++called; }); });
            for (;;) bubble.Advance(1ms);
          },
          std::system_error);
    }
    EXPECT_EQ(called, 0);
    EXPECT_EQ(bubble.Goroutines().size(), 0u);
    EXPECT_EQ(bubble.Totals().fired, 1);
    EXPECT_TRUE(bubble.Totals().Conserved());
  }
}

// For longer than Options::stuck_after.
TEST(ScarceThreads, OneThatWaitsIsNoErrorAsLongAsAnotherRuns) {
  Bubble bubble({.clock = ClockKind::kReal, .stuck_after = 5ms});
  ScarceThreads scarce(2);
  bubble.Run([&] {
    const auto values = MakeChan<int>();
    Go([=] { values.Send(1); });  // blocks and never gives its thread back
    time::Sleep(1ns);
    Go([=] { values.Recv(); });
    std::this_thread::sleep_for(60ms);
    EXPECT_EQ(bubble.Goroutines().size(), 3u);
    scarce.Grant(1);
    while (bubble.Goroutines().size() > 1) std::this_thread::sleep_for(1ms);
  });
}

TEST(ScarceThreadsDeathTest, TheDefaultBubbleEndsTheProcessWithOneLine) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        const ScarceThreads scarce(1);  // the clock's
        std::atomic<bool> ran = false;
        time::AfterFunc(1ms, [&] { ran = true; });
        Until([&] { return ran.load(); });
      },
      "no thread for a goroutine");
}

}  // namespace
}  // namespace afterleak
