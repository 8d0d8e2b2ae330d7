#include "afterleak/go/wait_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/defer.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;

TEST(WaitGroup, AllThatWaitGoOnWhenTheLastOneIsDone) {
  InBubble([] {
    sync::WaitGroup group, waiters;
    const Time start = time::Now();
    group.Add(3);
    for (int i = 1; i <= 3; ++i) {
      Go([&, i] {
        time::Sleep(std::chrono::hours(i));
        group.Done();
      });
    }
    waiters.Add(4);
    for (int i = 0; i < 4; ++i) {
      Go([&] {
        group.Wait();
        EXPECT_EQ(time::Since(start), 3h);
        waiters.Done();
      });
    }
    waiters.Wait();
  });
}

TEST(WaitGroup, WithoutACountNobodyWaits) {
  sync::WaitGroup group;
  group.Wait();
  group.Add(2);
  group.Add(0);
  group.Add(-2);
  group.Wait();
}

TEST(WaitGroup, ItCanBeUsedAgainAfterWaitHasReturned) {
  InBubble([] {
    sync::WaitGroup group;
    for (int round = 0; round < 3; ++round) {
      group.Add(1);
      Go([&] { group.Done(); });
      group.Wait();
    }
  });
}

TEST(WaitGroup, ANegativeCounterPanics) {
  sync::WaitGroup group;
  EXPECT_EQ(PanicOf([&] { group.Done(); }), "sync: negative WaitGroup counter");
  EXPECT_EQ(PanicOf([&] { group.Add(-1); }), "sync: negative WaitGroup counter");
  group.Add(2);
  group.Wait();  // the panics have not undone anything
  group.Add(1);
  EXPECT_EQ(PanicOf([&] { group.Add(-2); }), "sync: negative WaitGroup counter");
}

TEST(WaitGroup, UsedAgainBeforeWaitHasReturnedItPanics) {
  InBubble([] {
    sync::WaitGroup group;
    std::string said;
    group.Add(1);
    Go([&] { said = PanicOf([&] { group.Wait(); }); });
    Wait();
    group.Done();
    group.Add(1);
    Wait();
    EXPECT_EQ(said, "sync: WaitGroup is reused before previous Wait has returned");
  });
}

TEST(WaitGroup, ATestMayCountUpBeforeItsBubbleRuns) {
  sync::WaitGroup group;
  Bubble bubble;
  group.Add(1);
  bubble.Go([&] {
    time::Sleep(1h);
    group.Done();
  });
  bubble.Run([&] { group.Wait(); });
  EXPECT_EQ(bubble.Now(), Time(1h));
}

TEST(WaitGroup, AThreadOutsideMayCallDone) {
  sync::WaitGroup group;
  bool waited = false;
  Bubble bubble;
  bubble.Run([&] {
    group.Add(1);
    Go([&] {
      group.Wait();
      waited = true;
    });
  });
  group.Done();
  EXPECT_FALSE(waited) << "nothing runs while nobody drives";
  bubble.Advance(0s);
  EXPECT_TRUE(waited);
}

TEST(WaitGroupStress, ItMayGoAsSoonAsWaitReturns) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    {
      sync::WaitGroup group;
      group.Add(3);
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
          ++done;
          group.Done();
        });
      }
      group.Wait();
      EXPECT_EQ(done, 3);
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(WaitGroupStress, ManyGoroutinesOfARealBubble) {
  InBubble(
      [] {
        std::atomic<int> done = 0;
        sync::WaitGroup group;
        for (int i = 0; i < 200; ++i) {
          group.Add(1);
          Go([&] {
            const Defer deferred([&] { group.Done(); });
            ++done;
          });
        }
        group.Wait();
        EXPECT_EQ(done, 200);
      },
      {.clock = ClockKind::kReal});
}

}  // namespace
}  // namespace afterleak
