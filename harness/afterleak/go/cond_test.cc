#include "afterleak/go/cond.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/rw_mutex.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// Goroutines 0, 1, 2 that wait and then say so.
struct Waiters {
  sync::Mutex mutex;
  sync::Cond cond{mutex};
  std::vector<int> woken;

  void Start() {
    for (int i = 0; i < 3; ++i) {
      Go([this, i] {
        const std::lock_guard lock(mutex);
        cond.Wait();
        woken.push_back(i);
      });
    }
    Wait();
  }
};

TEST(Cond, SignalWakesTheOneThatHasWaitedLongest) {
  InBubble([] {
    Waiters waiters;
    waiters.Start();
    waiters.cond.Signal();
    Wait();
    EXPECT_THAT(waiters.woken, ElementsAre(0));
    waiters.cond.Signal();
    waiters.cond.Signal();
    Wait();
    EXPECT_THAT(waiters.woken, ElementsAre(0, 1, 2));
  });
}

TEST(Cond, BroadcastWakesAllThatWaitAndNobodyLater) {
  InBubble([] {
    Waiters waiters;
    waiters.cond.Signal();
    waiters.cond.Broadcast();
    waiters.Start();
    EXPECT_THAT(waiters.woken, ElementsAre());
    waiters.cond.Broadcast();
    Wait();
    EXPECT_THAT(waiters.woken, ElementsAre(0, 1, 2));
  });
}

TEST(Cond, AWaiterHasTheLockAgainBeforeItGoesOn) {
  InBubble([] {
    Waiters waiters;
    waiters.Start();
    waiters.mutex.Lock();
    waiters.cond.Broadcast();
    Wait();
    EXPECT_THAT(waiters.woken, ElementsAre());
    waiters.mutex.Unlock();
    Wait();
    EXPECT_THAT(waiters.woken, ElementsAre(0, 1, 2));
  });
}

TEST(Cond, WaitWithoutTheLockPanics) {
  InBubble([] {
    Waiters waiters;
    EXPECT_EQ(PanicOf([&] { waiters.cond.Wait(); }), "sync: unlock of unlocked mutex");
    EXPECT_TRUE(waiters.mutex.TryLock()) << "it is left as it was";
  });
}

TEST(Cond, ItWaitsWithAnyLocker) {
  InBubble([] {
    sync::RWMutex mutex;
    sync::Cond read(mutex.RLocker()), written(mutex);
    EXPECT_EQ(&written.L(), &mutex);
    int awake = 0;
    for (int i = 0; i < 2; ++i) {
      Go([&] {
        mutex.RLock();
        read.Wait();
        EXPECT_TRUE(mutex.TryRLock());
        mutex.RUnlock();
        mutex.RUnlock();
        ++awake;
      });
    }
    Go([&] {
      mutex.Lock();
      written.Wait();
      EXPECT_FALSE(mutex.TryRLock());
      mutex.Unlock();
      ++awake;
    });
    Wait();
    EXPECT_TRUE(mutex.TryLock()) << "nobody keeps the lock while it waits";
    read.Broadcast();
    written.Broadcast();
    Wait();
    EXPECT_EQ(awake, 0);
    mutex.Unlock();
    Wait();
    EXPECT_EQ(awake, 3);
  });
}

TEST(Cond, AnEventMustNotWaitAndKeepsItsLock) {
  sync::Mutex mutex;
  sync::Cond cond(mutex);
  Bubble bubble;
  bubble.At(1s, [&] {
    mutex.Lock();
    EXPECT_EQ(PanicOf([&] { cond.Wait(); }), "an event or a sample of a bubble must not block");
    mutex.Unlock();
  });
  bubble.Advance(1s);
  EXPECT_TRUE(mutex.TryLock());
}

TEST(Cond, WhoWaitedInABubbleThatHasEndedIsNotWoken) {
  sync::Mutex mutex;
  sync::Cond cond(mutex);
  int woken = 0;
  const auto wait = [&] {
    const std::lock_guard lock(mutex);
    cond.Wait();
    ++woken;
  };
  {
    Bubble ends_first;
    ends_first.Go(wait);
    ends_first.Advance({});
  }
  Bubble bubble;
  bubble.Go([&] {  // on the same stack, of which it leaves nothing as it was
    volatile char below[16 << 10];
    for (volatile char& byte : below) byte = 0;
    wait();
  });
  bubble.Advance({});
  cond.Signal();
  bubble.Advance({});
  EXPECT_EQ(woken, 1);
}

TEST(CondStress, NothingIsLostBetweenThreads) {
  constexpr int kEach = 500, kThreads = 3;
  sync::Mutex mutex;
  sync::Cond cond(mutex);
  std::deque<int> queue;
  long sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 1; i <= kEach; ++i) {
        const std::lock_guard lock(mutex);
        queue.push_back(i);
        cond.Signal();
      }
    });
    threads.emplace_back([&] {
      for (int i = 1; i <= kEach; ++i) {
        const std::lock_guard lock(mutex);
        while (queue.empty()) cond.Wait();
        sum += queue.front();
        queue.pop_front();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, long{kThreads} * kEach * (kEach + 1) / 2);
}

}  // namespace
}  // namespace afterleak
