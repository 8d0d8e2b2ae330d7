// The tests that every event loop has to pass in virtual time. A loop's test gives what is its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "afterleak/loops/loop_bubble.h"
#include "tests/support/loops/loop_under_test.h"
#include "tests/support/loops/loopback.h"

namespace afterleak::loops {

// Each test runs on the loop that `Loop` is: a LoopUnderTest with a default constructor.
template <typename Loop>
class VirtualLoop : public testing::Test {};
TYPED_TEST_SUITE_P(VirtualLoop);

template <typename Loop>
void Start(LoopBubble& bubble, Loop& loop) {
  bubble.Go([&] { loop.Run(); }, [&] { loop.Stop(); });
}

TYPED_TEST_P(VirtualLoop, AnHourOfThreeSecondTicksHas1200) {
  LoopBubble bubble;
  TypeParam loop;
  int ticks = 0;
  loop.Every(std::chrono::seconds(3), [&] { ++ticks; });
  Start(bubble, loop);
  bubble.AdvanceTo(std::chrono::seconds(27) + loop.slack());
  EXPECT_EQ(ticks, 9);
  bubble.AdvanceTo(std::chrono::milliseconds(29'999));
  EXPECT_EQ(ticks, 9);
  bubble.AdvanceTo(std::chrono::hours(1) + loop.slack());
  EXPECT_EQ(ticks, 1200);
  bubble.Finish();
}

// As the test's thread, which moves time by it.
TYPED_TEST_P(VirtualLoop, RunsInTheTestsThreadToo) {
  LoopBubble bubble;
  TypeParam loop;
  int ticks = 0;
  loop.Every(std::chrono::seconds(3), [&] {
    if (++ticks == 1200) loop.Stop();
  });
  loop.Run();
  EXPECT_EQ(ticks, 1200);
  EXPECT_LE(bubble.Now(), Time(std::chrono::hours(1) + loop.slack()));
  EXPECT_GE(bubble.Now(), Time(std::chrono::hours(1)));
}

TYPED_TEST_P(VirtualLoop, TenRunsAreOne) {
  const auto run = [] {
    std::vector<std::pair<Duration, int>> fired;
    LoopBubble bubble;
    TypeParam loop;
    for (int i = 0; i < 5; ++i) {
      loop.Every(std::chrono::milliseconds(100 + 13 * i),
                 [&, i] { fired.emplace_back(bubble.Now().time_since_epoch(), i); });
    }
    Start(bubble, loop);
    bubble.AdvanceTo(std::chrono::seconds(10));
    bubble.Finish();
    return fired;
  };
  const auto first = run();
  EXPECT_GE(first.size(), 390u);
  for (int i = 1; i < 10; ++i) EXPECT_EQ(run(), first);
}

TYPED_TEST_P(VirtualLoop, WhatIsCancelledDoesNotFire) {
  LoopBubble bubble;
  TypeParam loop;
  int fired = 0;
  int rounds = 0;
  loop.Every(std::chrono::seconds(1), [&] {
    ++rounds;
    loop.Cancel();
    loop.After(std::chrono::milliseconds(1500), [&] { ++fired; });
  });
  Start(bubble, loop);
  bubble.AdvanceTo(std::chrono::milliseconds(10'100));
  EXPECT_EQ(rounds, 10);
  EXPECT_EQ(fired, 0);
  bubble.Finish();
}

// The looping wait, in real code: 30 s deadlines, one more at each 3 s tick.
TYPED_TEST_P(VirtualLoop, ElevenDeadlinesAreDueWithin30s) {
  std::vector<int> pending;
  LoopBubble bubble;
  TypeParam loop;
  int live = 0;
  const auto arm = [&] {
    ++live;
    loop.After(std::chrono::seconds(30), [&] { --live; });
  };
  arm();
  loop.Every(std::chrono::seconds(3), arm);
  for (int i = 0; i <= 20; ++i) {
    bubble.SampleAt(std::chrono::milliseconds(3000 * i + 10), [&] { pending.push_back(live); });
  }
  Start(bubble, loop);
  bubble.AdvanceTo(std::chrono::seconds(70));
  EXPECT_THAT(pending, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 10,
                                            10, 10, 10, 10, 10));
  bubble.Finish();
}

TYPED_TEST_P(VirtualLoop, EachSignalArrivesAtItsInstant) {
  constexpr int kSignals = 150;
  std::vector<Duration> caught;
  std::vector<Duration> sent;
  LoopBubble bubble;
  TypeParam loop;
  loop.OnSignal(SIGUSR1, [&] { caught.push_back(bubble.Now().time_since_epoch()); });
  loop.Every(std::chrono::milliseconds(70), [] {});
  for (int i = 1; i <= kSignals; ++i) {
    sent.push_back(std::chrono::milliseconds(200 * i));
    bubble.At(sent.back(), [] { EXPECT_EQ(kill(getpid(), SIGUSR1), 0); });
  }
  Start(bubble, loop);
  bubble.AdvanceTo(std::chrono::seconds(40));
  EXPECT_EQ(caught, sent);
  bubble.Finish();
}

// A client that blocks in its reads, and gives each request 5 s.
TYPED_TEST_P(VirtualLoop, NoRequestOverLoopbackTimesOut) {
  constexpr int kRequests = 300;
  Loopback loopback;
  const int client = loopback.Connect();
  const int server = accept(loopback.listener(), nullptr, nullptr);

  int timeouts = 0;
  int served = 0;
  int answered = 0;
  LoopBubble bubble;
  TypeParam loop;
  loop.OnReadable(server, [&] {
    char byte;
    if (read(server, &byte, 1) != 1) return;
    ++served;
    loop.Cancel();
    loop.After(std::chrono::seconds(5), [&] { ++timeouts; });
    EXPECT_EQ(write(server, &byte, 1), 1);
  });
  Start(bubble, loop);
  bubble.Go([&] {
    char byte;
    for (int i = 0; i < kRequests; ++i) {
      EXPECT_EQ(write(client, "x", 1), 1);
      answered += static_cast<int>(read(client, &byte, 1));
      std::this_thread::sleep_for(std::chrono::milliseconds(4900));
    }
  });
  bubble.AdvanceTo(kRequests * std::chrono::milliseconds(4900));
  EXPECT_EQ(served, kRequests);
  EXPECT_EQ(answered, kRequests);
  EXPECT_EQ(timeouts, 0);
  bubble.Finish();
  for (const int descriptor : {client, server}) close(descriptor);
}

TYPED_TEST_P(VirtualLoop, NothingFiresOfALoopThatIsClosedWithTimersPending) {
  int fired = 0;
  LoopBubble bubble;
  {
    TypeParam loop;
    for (int i = 0; i < 100; ++i) loop.After(std::chrono::seconds(30 + i), [&] { ++fired; });
    loop.Every(std::chrono::seconds(3), [&] { ++fired; });
    loop.After(std::chrono::seconds(1), [&] { loop.Stop(); });
    loop.Run();
  }
  bubble.AdvanceTo(std::chrono::hours(1));
  EXPECT_EQ(fired, 0);
}

TYPED_TEST_P(VirtualLoop, ThousandsComeAndGo) {
  constexpr int kLoops = 2000;
  int fired = 0;
  LoopBubble bubble;
  Duration slack{};
  for (int i = 0; i < kLoops; ++i) {
    TypeParam loop;
    loop.After(std::chrono::hours(1), [&] { ++fired; });
    loop.After(std::chrono::seconds(3), [&] {
      ++fired;
      loop.Stop();
    });
    loop.Run();
    slack += loop.slack();
  }
  EXPECT_EQ(fired, kLoops);
  EXPECT_GE(bubble.Now(), Time(kLoops * std::chrono::seconds(3)));
  EXPECT_LE(bubble.Now(), Time(kLoops * std::chrono::seconds(3) + slack));
}

TYPED_TEST_P(VirtualLoop, FiftyRunAtOnce) {
  constexpr int kLoops = TypeParam::kOneAtATime ? 1 : 50;  // or as many as there may be
  std::vector<int> ticks(kLoops);
  std::deque<TypeParam> loops;
  LoopBubble bubble;
  for (int& count : ticks) {
    loops.emplace_back().Every(std::chrono::seconds(1), [&] { ++count; });
    Start(bubble, loops.back());
  }
  const Duration late = kLoops == 1 ? Duration() : loops.front().slack();  // one alone is in time
  bubble.AdvanceTo(std::chrono::minutes(1) + late);
  EXPECT_THAT(ticks, testing::Each(60));
  bubble.Finish();
  loops.clear();
}

REGISTER_TYPED_TEST_SUITE_P(VirtualLoop, AnHourOfThreeSecondTicksHas1200, RunsInTheTestsThreadToo,
                            TenRunsAreOne, WhatIsCancelledDoesNotFire,
                            ElevenDeadlinesAreDueWithin30s, EachSignalArrivesAtItsInstant,
                            NoRequestOverLoopbackTimesOut,
                            NothingFiresOfALoopThatIsClosedWithTimersPending, ThousandsComeAndGo,
                            FiftyRunAtOnce);

}  // namespace afterleak::loops
