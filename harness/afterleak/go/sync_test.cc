// What holds for all of package sync: reports, the end of a bubble, and other bubbles.
#include "afterleak/go/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <source_location>
#include <string>
#include <thread>
#include <utility>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/time.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string Line(std::source_location site) {
  return std::string(site.file_name()) + ":" + std::to_string(site.line());
}

std::source_location Here(std::source_location site = std::source_location::current()) {
  return site;
}

// All of the package.
struct Sync {
  sync::Mutex mutex;
  sync::RWMutex rw_mutex;
  sync::WaitGroup group;
  sync::Mutex of_cond;
  sync::Cond cond{of_cond};
  sync::Once once;

  // Nobody holds anything, or waits.
  bool Idle() {
    return mutex.TryLock() && rw_mutex.TryLock() && of_cond.TryLock() && group_is_zero();
  }
  bool group_is_zero() {
    group.Wait();
    return true;
  }
};

// ---- reports

TEST(Sync, ADeadlockNamesWhatIsWaitedForAndWhere) {
  const auto report = [](const std::function<void(Sync&, std::source_location)>& wait) {
    const std::source_location site = std::source_location::current();
    const std::string said = PanicOf([&] {
      InBubble([&] {
        Sync all;
        wait(all, site);
      });
    });
    const std::size_t end = said.find(": " + Line(site));
    EXPECT_NE(end, std::string::npos) << said;
    return said.substr(said.find('['), end - said.find('['));
  };
  EXPECT_EQ(report([](Sync& all, auto site) { all.mutex.Lock(), all.mutex.Lock(site); }),
            "[sync.Mutex.Lock]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.rw_mutex.Lock(), all.rw_mutex.Lock(site); }),
            "[sync.RWMutex.Lock]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.rw_mutex.RLock(), all.rw_mutex.Lock(site); }),
            "[sync.RWMutex.Lock]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.rw_mutex.Lock(), all.rw_mutex.RLock(site); }),
            "[sync.RWMutex.RLock]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.group.Add(1), all.group.Wait(site); }),
            "[sync.WaitGroup.Wait]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.of_cond.Lock(), all.cond.Wait(site); }),
            "[sync.Cond.Wait]");
  EXPECT_EQ(report([](Sync& all, auto site) { all.once.Do([&] { all.once.Do([] {}, site); }); }),
            "[sync.Mutex.Lock]");
}

TEST(Sync, NothingIsAllocated) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    Sync all;
    const heap::Scope scope;
    all.mutex.Lock();
    EXPECT_FALSE(all.mutex.TryLock());
    all.mutex.Unlock();
    all.rw_mutex.RLock();
    all.rw_mutex.RUnlock();
    all.rw_mutex.Lock();
    all.rw_mutex.Unlock();
    all.once.Do([] {});
    all.group.Add(1);
    all.group.Done();
    all.group.Wait();
    all.cond.Broadcast();
    EXPECT_EQ(scope.usage().total_blocks, 0);
  });
}

// ---- the end of a bubble

TEST(Sync, AfterABubbleNothingIsLocked) {
  Sync all;
  {
    Bubble bubble;
    bubble.Go([&] {  // holds everything
      const std::lock_guard a(all.mutex);
      const std::shared_lock b(all.rw_mutex);
      time::Sleep(1h);
    });
    bubble.Go([&] { all.once.Do([] { time::Sleep(1h); }); });
    for (int i = 0; i < 3; ++i) {  // and these wait for it
      bubble.Go([&] { const std::lock_guard a(all.mutex); });
      bubble.Go([&] { const std::lock_guard a(all.rw_mutex); });
      bubble.Go([&] { const std::shared_lock a(all.rw_mutex); });
      bubble.Go([&] {
        const std::lock_guard lock(all.of_cond);
        all.cond.Wait();
      });
      bubble.Go([&] { all.once.Do([] {}); });
    }
    bubble.Advance(1s);
    EXPECT_FALSE(all.mutex.TryLock());
  }
  EXPECT_TRUE(all.Idle());
  all.cond.Broadcast();
  all.once.Do([] { FAIL() << "it counts as done"; });
}

// The waiters come first in the order of unwinding, and the holder last.
TEST(Sync, AWaiterThatIsUnwoundLeavesTheQueue) {
  Sync all;
  {
    Bubble bubble;
    for (int i = 0; i < 2; ++i) {
      bubble.Go([&] {
        time::Sleep(1s);
        const std::lock_guard lock(all.mutex);
      });
      bubble.Go([&] {
        time::Sleep(1s);
        const std::lock_guard lock(all.rw_mutex);
      });
      bubble.Go([&] {
        time::Sleep(2s);
        const std::shared_lock lock(all.rw_mutex);
      });
    }
    bubble.Go([&] {
      const std::lock_guard a(all.mutex);
      const std::shared_lock b(all.rw_mutex);
      time::Sleep(1h);
    });
    bubble.Advance(3s);
  }
  EXPECT_TRUE(all.Idle());
}

// A goroutine that is unwound out of Cond::Wait while another one has the lock.
TEST(Sync, UnwoundOutOfCondWaitItDoesNotUnlockForOthers) {
  Sync all;
  bool held = false, inside = false;
  const auto wait = [&](sync::Locker& locker) {
    return [&all, &locker] {
      struct Unlock {
        sync::Locker& locker;
        ~Unlock() { locker.Unlock(); }
      };
      sync::Cond cond(locker);
      locker.Lock();
      const Unlock unlock{locker};
      cond.Wait();
    };
  };
  {
    Bubble bubble;
    bubble.Go(wait(all.mutex));
    bubble.Go(wait(all.rw_mutex));
    bubble.Go(wait(all.rw_mutex.RLocker()));
    bubble.Go([&] {  // is unwound before the one that has the lock
      time::Sleep(1s);
      const std::shared_lock lock(all.rw_mutex);
      EXPECT_FALSE(inside);
    });
    bubble.Advance(0s);
    bubble.Go([&] {
      struct Look {
        Sync& all;
        bool &held, &inside;
        ~Look() {
          inside = false;
          held = !all.mutex.TryLock() && !all.rw_mutex.TryLock() && !all.rw_mutex.TryRLock();
        }
      };
      const std::lock_guard a(all.mutex);
      const std::lock_guard b(all.rw_mutex);
      inside = true;
      const Look look{all, held, inside};
      time::Sleep(1h);
    });
    bubble.Advance(1s);
  }
  EXPECT_TRUE(held);
  EXPECT_TRUE(all.Idle());
}

// Returns when as many threads outside of bubbles wait.
void AwaitThreads(std::size_t waiting) {
  const auto waits = [](const GoroutineReport& g) { return g.waits_for.starts_with("sync."); };
  while (static_cast<std::size_t>(std::ranges::count_if(Bubble::Default().Goroutines(), waits)) <
         waiting) {
    std::this_thread::yield();
  }
}

TEST(Sync, AWriterThatIsUnwoundLetsTheReadersInThatWaitBehindIt) {
  Sync all;
  all.rw_mutex.RLock();
  std::optional<Bubble> ending(std::in_place, Bubble::Options{.clock = ClockKind::kReal});
  ending->Go([&] { const std::lock_guard writer(all.rw_mutex); });
  while (all.rw_mutex.TryRLock()) {
    all.rw_mutex.RUnlock();
    std::this_thread::yield();
  }
  std::thread reader([&] { const std::shared_lock lock(all.rw_mutex); });
  AwaitThreads(1);
  ending.reset();
  reader.join();
  all.rw_mutex.RUnlock();
  EXPECT_TRUE(all.Idle());
}

TEST(SyncStress, AThreadUnlocksWhileTheBubbleOfTheWaitersEnds) {
  for (int round = 0; round < 200; ++round) {
    Sync all;
    all.mutex.Lock();
    std::optional<Bubble> bubble(std::in_place, Bubble::Options{.clock = ClockKind::kReal});
    for (int i = 0; i < 2; ++i) {
      bubble->Go([&] { const std::lock_guard lock(all.mutex); });
      bubble->Go([&] {
        const std::lock_guard lock(all.of_cond);
        all.cond.Wait();
      });
    }
    std::thread other([&] {
      all.mutex.Unlock();
      all.cond.Broadcast();
    });
    bubble.reset();
    other.join();
    EXPECT_TRUE(all.Idle());
  }
}

// ---- other bubbles

// Holds in one bubble what `wait` then waits for, in another bubble or (clock null) in none.
std::string Refusal(const std::function<void(Sync&)>& hold, ClockKind here,
                    std::optional<ClockKind> there, const std::function<void(Sync&)>& wait) {
  Sync all;
  Bubble holder({.clock = here});
  holder.Run([&] { hold(all); });
  if (!there) return PanicOf([&] { wait(all); });
  return PanicOf([&] { InBubble([&] { wait(all); }, {.clock = *there}); });
}

TEST(Sync, WaitingForAVirtualBubbleFromOutsideIsAPanicWithBothLines) {
  struct Case {
    const char* words;
    std::function<void(Sync&, std::source_location)> hold, wait;
  };
  const Case cases[] = {
      {"sync.Mutex.Lock", [](Sync& all, auto site) { all.mutex.Lock(site); },
       [](Sync& all, auto site) { all.mutex.Lock(site); }},
      {"sync.RWMutex.Lock", [](Sync& all, auto site) { all.rw_mutex.Lock(site); },
       [](Sync& all, auto site) { all.rw_mutex.Lock(site); }},
      {"sync.RWMutex.Lock", [](Sync& all, auto site) { all.rw_mutex.RLock(site); },
       [](Sync& all, auto site) { all.rw_mutex.Lock(site); }},
      {"sync.RWMutex.Lock", [](Sync& all, auto site) { EXPECT_TRUE(all.rw_mutex.TryRLock(site)); },
       [](Sync& all, auto site) { all.rw_mutex.Lock(site); }},
      {"sync.RWMutex.RLock", [](Sync& all, auto site) { all.rw_mutex.Lock(site); },
       [](Sync& all, auto site) { all.rw_mutex.RLock(site); }},
      {"sync.WaitGroup.Wait", [](Sync& all, auto site) { all.group.Add(1, site); },
       [](Sync& all, auto site) { all.group.Wait(site); }},
      {"sync.Cond.Wait",
       [](Sync& all, auto site) {
         const auto waits = std::make_shared<bool>(false);
         Go([&all, site, waits] {
           const std::lock_guard lock(all.of_cond);
           *waits = true;
           all.cond.Wait(site);
         });
         for (bool waiting = false; !waiting; Gosched()) {
           const std::lock_guard lock(all.of_cond);
           waiting = *waits;
         }
       },
       [](Sync& all, auto site) {
         const std::lock_guard lock(all.of_cond);
         all.cond.Wait(site);
       }},
  };
  const std::source_location held = Here();
  const std::source_location waited = Here();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.words);
    const std::string panic = std::string(c.words) + " (" + Line(waited) +
                              ") would wait for another bubble (" + Line(held) + ")";
    const auto said = [&](ClockKind here, std::optional<ClockKind> there) {
      return Refusal([&](Sync& all) { c.hold(all, held); }, here, there,
                     [&](Sync& all) { c.wait(all, waited); });
    };
    EXPECT_EQ(said(ClockKind::kVirtual, std::nullopt), panic);
    EXPECT_EQ(said(ClockKind::kVirtual, ClockKind::kVirtual), panic);
    EXPECT_EQ(said(ClockKind::kVirtual, ClockKind::kReal), panic);
    if (c.words != std::string("sync.WaitGroup.Wait")) {
      EXPECT_EQ(said(ClockKind::kReal, ClockKind::kVirtual), panic);
    }
  }
}

// What it locks then is its own: of its bubble, and from the line where it waited.
TEST(Sync, UnwoundOutOfCondWaitItIsTheOneThatHoldsTheLock) {
  const std::source_location held = Here();
  const std::source_location waited = Here();
  const std::source_location asked = Here();
  // What a thread outside is told that asks for the lock meanwhile.
  const auto refusal = [&](sync::Locker& locker,
                           const std::function<void(std::source_location)>& lock) {
    std::string said;
    struct Ask {
      const std::function<void()> ask;
      ~Ask() { ask(); }
    };
    {
      Bubble ends;
      ends.Go([&] {
        sync::Cond cond(locker);
        locker.Lock(held);
        const Ask last{[&] {
          std::thread([&] { said = PanicOf([&] { lock(asked); }); }).join();
          locker.Unlock();
        }};
        cond.Wait(waited);
      });
      ends.Advance(0s);
    }
    return said;
  };
  const auto panic = [&](const std::string& words) {
    return words + " (" + Line(asked) + ") would wait for another bubble (" + Line(waited) + ")";
  };
  Sync all;
  EXPECT_EQ(refusal(all.mutex, [&](auto site) { all.mutex.Lock(site); }), panic("sync.Mutex.Lock"));
  EXPECT_EQ(refusal(all.rw_mutex, [&](auto site) { all.rw_mutex.Lock(site); }),
            panic("sync.RWMutex.Lock"));
  EXPECT_EQ(refusal(all.rw_mutex, [&](auto site) { all.rw_mutex.RLock(site); }),
            panic("sync.RWMutex.RLock"));
  EXPECT_EQ(refusal(all.rw_mutex.RLocker(), [&](auto site) { all.rw_mutex.Lock(site); }),
            panic("sync.RWMutex.Lock"));
  EXPECT_TRUE(all.Idle());
}

TEST(Sync, ARefusedWaitChangesNothing) {
  Sync all;
  Bubble bubble;
  bubble.Run([&] { all.rw_mutex.RLock(); });
  EXPECT_THAT(PanicOf([&] { all.rw_mutex.Lock(); }), HasSubstr("would wait for another bubble"));
  EXPECT_TRUE(all.rw_mutex.TryRLock()) << "no writer waits";
  all.rw_mutex.RUnlock();
  all.rw_mutex.RUnlock();
  EXPECT_TRUE(all.Idle());
}

TEST(Sync, WhatIsFreeIsForAllBubblesInTurn) {
  static sync::Mutex of_the_process;
  static int uses = 0;
  const auto use = [] {
    const std::lock_guard lock(of_the_process);
    ++uses;
  };
  use();
  InBubble(use);
  InBubble(use, {.clock = ClockKind::kReal});
  Bubble bubble;
  bubble.Go(use);
  bubble.At(1s, use);
  bubble.Advance(1s);
  use();
  EXPECT_EQ(uses, 6);
}

TEST(Sync, AThreadOutsideMayUnlockForAVirtualBubble) {
  Sync all;
  Bubble bubble;
  all.rw_mutex.RLock();
  bubble.Run([&] { all.mutex.Lock(); });
  bubble.Go([&] { const std::lock_guard lock(all.mutex); });
  bubble.Advance(0s);
  all.mutex.Unlock();
  bubble.Advance(0s);
  all.rw_mutex.RUnlock();
  EXPECT_TRUE(all.Idle());
}

}  // namespace
}  // namespace afterleak
