#include "afterleak/go/rw_mutex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <random>
#include <shared_mutex>
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
using testing::UnorderedElementsAre;

TEST(RWMutex, ReadersReadTogetherAndAWriterWritesAlone) {
  InBubble([] {
    sync::RWMutex mutex;
    std::vector<Duration> read, written;
    const Time start = time::Now();
    for (int i = 0; i < 3; ++i) {
      Go([&] {
        mutex.RLock();
        time::Sleep(1s);
        read.push_back(time::Since(start));
        mutex.RUnlock();
      });
    }
    for (int i = 0; i < 2; ++i) {
      Go([&] {
        mutex.Lock();
        time::Sleep(1s);
        written.push_back(time::Since(start));
        mutex.Unlock();
      });
    }
    time::Sleep(4s);
    EXPECT_THAT(read, ElementsAre(1s, 1s, 1s));
    EXPECT_THAT(written, ElementsAre(2s, 3s));
  });
}

TEST(RWMutex, AWriterThatWaitsKeepsNewReadersOut) {
  InBubble([] {
    sync::RWMutex mutex;
    std::vector<std::string> order;
    mutex.RLock();
    Go([&] {
      mutex.Lock();
      order.push_back("writer");
      mutex.Unlock();
    });
    Wait();
    EXPECT_FALSE(mutex.TryRLock());
    EXPECT_FALSE(mutex.TryLock());
    Go([&] {
      mutex.RLock();
      order.push_back("reader");
      mutex.RUnlock();
    });
    Wait();
    EXPECT_THAT(order, ElementsAre());
    mutex.RUnlock();
    Wait();
    EXPECT_THAT(order, ElementsAre("writer", "reader"));
  });
}

TEST(RWMutex, AfterAWriterAllReadersThatWaitComeBeforeTheNextWriter) {
  InBubble([] {
    sync::RWMutex mutex;
    std::vector<std::string> order;
    mutex.Lock();
    Go([&] {
      mutex.Lock();
      order.push_back("writer");
      mutex.Unlock();
    });
    for (const std::string name : {"reader 1", "reader 2"}) {
      Go([&, name] {
        mutex.RLock();
        order.push_back(name);
        time::Sleep(1s);
        mutex.RUnlock();
      });
    }
    Wait();
    mutex.Unlock();
    Wait();
    EXPECT_THAT(order, UnorderedElementsAre("reader 1", "reader 2"));
    time::Sleep(2s);
    EXPECT_EQ(order.back(), "writer");
  });
}

TEST(RWMutex, TheLastReaderLetsTheWriterIn) {
  InBubble([] {
    sync::RWMutex mutex;
    bool written = false;
    mutex.RLock();
    mutex.RLock();
    Go([&] {
      mutex.Lock();
      written = true;
    });
    Wait();
    mutex.RUnlock();
    Wait();
    EXPECT_FALSE(written);
    mutex.RUnlock();
    Wait();
    EXPECT_TRUE(written);
  });
}

TEST(RWMutex, TryLocksTakeOnlyWhatIsFree) {
  sync::RWMutex mutex;
  EXPECT_TRUE(mutex.TryRLock());
  EXPECT_TRUE(mutex.TryRLock());
  EXPECT_FALSE(mutex.TryLock());
  mutex.RUnlock();
  EXPECT_FALSE(mutex.TryLock());
  mutex.RUnlock();
  EXPECT_TRUE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryRLock());
  mutex.Unlock();
  EXPECT_TRUE(mutex.TryRLock());
}

TEST(RWMutex, UnlockOfAnUnlockedOnePanics) {
  sync::RWMutex mutex;
  EXPECT_EQ(PanicOf([&] { mutex.Unlock(); }), "sync: Unlock of unlocked RWMutex");
  EXPECT_EQ(PanicOf([&] { mutex.RUnlock(); }), "sync: RUnlock of unlocked RWMutex");
  mutex.RLock();
  EXPECT_EQ(PanicOf([&] { mutex.Unlock(); }), "sync: Unlock of unlocked RWMutex");
  mutex.RUnlock();
  mutex.Lock();
  EXPECT_EQ(PanicOf([&] { mutex.RUnlock(); }), "sync: RUnlock of unlocked RWMutex");
  mutex.Unlock();
  EXPECT_TRUE(mutex.TryLock()) << "a panic leaves it as it was";
}

TEST(RWMutex, ItsRLockerReads) {
  sync::RWMutex mutex;
  sync::Locker& reader = mutex.RLocker();
  reader.Lock();
  EXPECT_TRUE(mutex.TryRLock());
  EXPECT_FALSE(mutex.TryLock());
  mutex.RUnlock();
  reader.Unlock();
  EXPECT_EQ(PanicOf([&] { reader.Unlock(); }), "sync: RUnlock of unlocked RWMutex");
  EXPECT_TRUE(mutex.TryLock());
}

TEST(RWMutex, SuitsTheStandardGuards) {
  sync::RWMutex mutex;
  {
    const std::shared_lock reader(mutex);
    EXPECT_TRUE(std::shared_lock(mutex, std::try_to_lock).owns_lock());
    EXPECT_FALSE(std::unique_lock(mutex, std::try_to_lock).owns_lock());
  }
  const std::unique_lock writer(mutex);
  EXPECT_FALSE(std::shared_lock(mutex, std::try_to_lock).owns_lock());
}

// Some read and some write, now and then without waiting, and sleep meanwhile.
TEST(RWMutexStress, NobodyIsInsideBesideAWriterAndAllGetIn) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto roll = [&](std::uint32_t sides) { return random() % sides; };
    int readers = 0, writers = 0, done = 0;
    sync::RWMutex mutex;
    const auto stay = [&](int& inside) {
      ++inside;
      EXPECT_TRUE(writers == 0 || (writers == 1 && readers == 0));
      time::Sleep(std::chrono::seconds(roll(3)));
      --inside;
    };
    const auto step = [&](bool tries) {
      if (roll(3) == 0) {
        tries ? void() : mutex.Lock();
        if (tries && !mutex.TryLock()) return;
        stay(writers);
        mutex.Unlock();
      } else {
        tries ? void() : mutex.RLock();
        if (tries && !mutex.TryRLock()) return;
        stay(readers);
        mutex.RUnlock();
      }
    };
    InBubble([&] {
      for (int i = 0; i < 8; ++i) {
        Go([&] {
          for (int k = 0; k < 30; ++k) step(roll(4) == 0);
          ++done;
        });
      }
      time::Sleep(1h);
      EXPECT_EQ(NumGoroutine(), 1) << ToString(Bubble::Current().Goroutines());
      EXPECT_TRUE(mutex.TryLock()) << "all have left";
    });
    EXPECT_EQ(done, 8);
  }
}

TEST(RWMutexStress, ThreadsOfNoBubbleSeeWholeValues) {
  sync::RWMutex mutex;
  int a = 0, b = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        if (t == 0) {
          const std::unique_lock writer(mutex);
          ++a, ++b;
        } else {
          const std::shared_lock reader(mutex);
          ASSERT_EQ(a, b);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(a, 500);
}

}  // namespace
}  // namespace afterleak
