#include "afterleak/go/mutex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Mutex, OneGoroutineHoldsItAndTimePassesForThoseThatWait) {
  InBubble([] {
    sync::Mutex mutex;
    std::vector<Duration> locked;
    const Time start = time::Now();
    for (int i = 0; i < 3; ++i) {
      Go([&] {
        mutex.Lock();
        locked.push_back(time::Since(start));
        time::Sleep(1h);
        mutex.Unlock();
      });
    }
    time::Sleep(4h);
    EXPECT_THAT(locked, ElementsAre(0h, 1h, 2h));
  });
}

TEST(Mutex, TryLockTakesOnlyWhatIsFree) {
  sync::Mutex mutex;
  EXPECT_TRUE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryLock());
  mutex.Unlock();
  mutex.Lock();
  EXPECT_FALSE(mutex.TryLock());
  mutex.Unlock();
  EXPECT_TRUE(mutex.TryLock());
}

TEST(Mutex, UnlockOfAnUnlockedOnePanics) {
  sync::Mutex mutex;
  EXPECT_EQ(PanicOf([&] { mutex.Unlock(); }), "sync: unlock of unlocked mutex");
  mutex.Lock();
  mutex.Unlock();
  EXPECT_EQ(PanicOf([&] { mutex.Unlock(); }), "sync: unlock of unlocked mutex");
  EXPECT_TRUE(mutex.TryLock()) << "a panic leaves it as it was";
}

TEST(Mutex, AnyGoroutineMayUnlockIt) {
  InBubble([] {
    sync::Mutex mutex;
    mutex.Lock();
    Go([&] { mutex.Unlock(); });
    mutex.Lock();
  });
}

TEST(Mutex, SuitsTheStandardGuards) {
  InBubble([] {
    sync::Mutex a, b;
    {
      const std::scoped_lock both(a, b);
      EXPECT_FALSE(a.TryLock());
    }
    const std::lock_guard guard(a);
    std::unique_lock lock(b, std::try_to_lock);
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_FALSE(std::unique_lock(a, std::try_to_lock).owns_lock());
  });
}

// Who got the lock while "main" locks it again at once, three times, and "a" and "b" wait.
TEST(Mutex, AWaiterThatWasWokenInVainIsNextAndSoAreThoseBehindIt) {
  InBubble([] {
    sync::Mutex mutex;
    std::vector<std::string> order;
    const auto lock = [&](const std::string& name) {
      mutex.Lock();
      order.push_back(name);
    };
    mutex.Lock();
    for (const std::string name : {"a", "b"}) {
      Go([&, name] {
        lock(name);
        mutex.Unlock();
      });
    }
    Wait();
    for (int i = 0; i < 3; ++i) {
      mutex.Unlock();
      lock("main");
      Wait();
    }
    mutex.Unlock();
    EXPECT_THAT(order, ElementsAre("main", "a", "b", "main", "main"));
  });
}

// A goroutine that locks, and leaves it to others to unlock.
void StartLocking(sync::Mutex& mutex) {
  Go([&mutex] { mutex.Lock(); });
  Wait();
}

TEST(Mutex, OnlyAWaiterThatWasWokenInVainIsHandedTheLock) {
  sync::Mutex mutex;
  InBubble([&] {
    mutex.Lock();
    StartLocking(mutex);
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock()) << "the waiter has been woken, but has not run";
    Wait();
    mutex.Unlock();
    EXPECT_FALSE(mutex.TryLock()) << "now it has the lock";
    Wait();
    StartLocking(mutex);
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock()) << "this one has not been woken before";
  });
}

TEST(Mutex, ThoseBehindTheWaiterThatWasWokenInVainAreHandedTheLockToo) {
  sync::Mutex mutex;
  InBubble([&] {
    mutex.Lock();
    StartLocking(mutex);
    StartLocking(mutex);
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock());
    Wait();  // the first runs in vain
    mutex.Unlock();
    Wait();  // now it has the lock
    mutex.Unlock();
    EXPECT_FALSE(mutex.TryLock()) << "the second has it, though it has not run";
  });
}

TEST(Mutex, UnlockWakesNobodyWhileTheOneItHasWokenHasNotRun) {
  sync::Mutex mutex;
  InBubble([&] {
    mutex.Lock();
    StartLocking(mutex);
    StartLocking(mutex);
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock());
    mutex.Unlock();
    Wait();
    mutex.Unlock();
    EXPECT_TRUE(mutex.TryLock()) << "the second one was not woken in vain";
  });
}

TEST(Mutex, WaitersGoInTheOrderInWhichTheyCame) {
  InBubble([] {
    sync::Mutex mutex;
    std::vector<int> order;
    mutex.Lock();
    for (int i = 0; i < 5; ++i) {
      Go([&, i] {
        const std::lock_guard guard(mutex);
        order.push_back(i);
        time::Sleep(1s);
      });
    }
    Wait();
    mutex.Unlock();
    time::Sleep(6s);
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
  });
}

void Count(sync::Mutex& mutex, int& count) {
  for (int i = 0; i < 1000; ++i) {
    const std::lock_guard guard(mutex);
    ++count;
  }
}

TEST(MutexStress, GoroutinesOfARealBubbleExcludeEachOther) {
  sync::Mutex mutex;
  int count = 0;
  Bubble bubble({.clock = ClockKind::kReal});
  bubble.Run([&] {
    const auto done = MakeChan<Unit>();
    for (int i = 0; i < 4; ++i) {
      Go([&, done] {
        Count(mutex, count);
        done.Send({});
      });
    }
    for (int i = 0; i < 4; ++i) done.Recv();
  });
  EXPECT_EQ(count, 4000);
}

TEST(MutexStress, ThreadsOfNoBubbleExcludeEachOther) {
  sync::Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { Count(mutex, count); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 4000);
}

TEST(MutexStress, GoroutinesOfTwoRealBubblesExcludeEachOther) {
  sync::Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(
        [&] { InBubble([&] { Count(mutex, count); }, {.clock = ClockKind::kReal}); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace afterleak
