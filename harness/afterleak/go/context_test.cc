// What package context promises: each rule in the design's section "Context" is a test. Deadlines
// are rooted, so both timer modes behave alike.
#include "afterleak/go/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/panic.h"
#include "afterleak/go/defer.h"
#include "afterleak/go/select.h"
#include "afterleak/go/time.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using context::Background;
using context::CancelFunc;
using context::Context;
using context::Error;
using context::WithCancel;
using context::WithDeadline;
using context::WithTimeout;

constexpr Time At(Duration since_start) { return Time(since_start); }

bool IsDone(const Context& ctx) { return Select({Recv(ctx.Done()), Default()}) == 0; }

class ContextTest : public TimerModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ContextTest, kTimerModes, NameOfTimerMode);

// ---- what a context says

TEST(ContextErrorTest, HasTheTextsOfGo) {
  EXPECT_EQ(ToString(Error::kNone), "<nil>");
  EXPECT_EQ(ToString(Error::kCanceled), "context canceled");
  EXPECT_EQ(ToString(Error::kDeadlineExceeded), "context deadline exceeded");
}

TEST_P(ContextTest, TheBackgroundIsNeverDone) {
  EXPECT_TRUE(Background().Done().IsNil());
  EXPECT_EQ(Background().Err(), Error::kNone);
  EXPECT_EQ(Background().Deadline(), std::nullopt);
  EXPECT_THROW(InBubble([] { Background().Done().Recv(); }), Deadlock);
}

TEST_P(ContextTest, CancelClosesDoneAndWakesAllWhoWait) {
  InBubble([] {
    auto [ctx, cancel] = WithCancel(Background());
    EXPECT_FALSE(IsDone(ctx));
    EXPECT_EQ(ctx.Deadline(), std::nullopt);
    int woken = 0;
    for (int i = 0; i < 3; ++i) Go([&, done = ctx.Done()] { done.Recv(), ++woken; });
    time::Sleep(1s);
    cancel();
    EXPECT_EQ(ctx.Err(), Error::kCanceled);
    EXPECT_TRUE(IsDone(ctx));
    Wait();
    EXPECT_EQ(woken, 3);
    EXPECT_EQ(ctx.Done().Recv(), std::nullopt) << "closed: it can be read again and again";
  });
  EXPECT_EQ(Totals().armed, 0) << "no deadline, no timer";
}

TEST_P(ContextTest, TheDeadlineEndsItAtExactlyThatInstant) {
  InBubble([&] {
    time::Sleep(1s);
    auto [ctx, cancel] = WithTimeout(Background(), 30s);
    EXPECT_EQ(ctx.Deadline(), At(31s));
    EXPECT_EQ(Totals().live, 1);
    EXPECT_EQ(Totals().rooted, 1);
    time::Sleep(30s - 1ns);
    Wait();
    EXPECT_EQ(ctx.Err(), Error::kNone);
    ctx.Done().Recv();
    EXPECT_EQ(time::Now(), At(31s));
    EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
  });
  EXPECT_EQ(Totals().fired, 1);
}

TEST_P(ContextTest, ADeadlineInThePastIsDoneAtReturnAndArmsNoTimer) {
  InBubble([] {
    time::Sleep(1s);
    for (const Time deadline : {At(0s), At(1s), Time::min()}) {
      auto [ctx, cancel] = WithDeadline(Background(), deadline);
      EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
      EXPECT_TRUE(IsDone(ctx));
      cancel();
      EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
    }
    for (const Duration delay : {Duration(0s), Duration(-1s), Duration::min()}) {
      EXPECT_EQ(WithTimeout(Background(), delay).first.Err(), Error::kDeadlineExceeded);
    }
  });
  EXPECT_EQ(Totals().armed, 0);
}

TEST_P(ContextTest, TheLargestTimeoutNeverComes) {
  EXPECT_THROW(InBubble([] {
                 time::Sleep(1s);
                 auto [ctx, cancel] = WithTimeout(Background(), Duration::max());
                 ctx.Done().Recv();
               }),
               Deadlock);
}

// ---- the first error wins

TEST_P(ContextTest, TheFirstErrorWins) {
  InBubble([] {
    auto [late, cancel_late] = WithTimeout(Background(), 3s);
    time::Sleep(5s);
    cancel_late();
    EXPECT_EQ(late.Err(), Error::kDeadlineExceeded);
    auto [early, cancel_early] = WithTimeout(Background(), 3s);
    cancel_early();
    cancel_early();
    time::Sleep(5s);
    EXPECT_EQ(early.Err(), Error::kCanceled);
    auto [parent, cancel_parent] = WithCancel(Background());
    auto [child, cancel_child] = WithTimeout(parent, 3s);
    time::Sleep(5s);
    cancel_parent();
    EXPECT_EQ(parent.Err(), Error::kCanceled);
    EXPECT_EQ(child.Err(), Error::kDeadlineExceeded);
  });
}

// The timer of the context fires either way; whichever runs first afterwards ends the context.
TEST_P(ContextTest, OfACancelAndADeadlineAtOneInstantTheOneArmedFirstWins) {
  InBubble([] {
    CancelFunc cancel;
    time::AfterFunc(3s, [&] { cancel(); });
    auto [first_canceled, canceled] = WithTimeout(Background(), 3s);
    cancel = canceled;
    time::Sleep(4s);
    EXPECT_EQ(first_canceled.Err(), Error::kCanceled);

    auto [first_expired, expired] = WithTimeout(Background(), 3s);
    time::AfterFunc(3s, expired);
    time::Sleep(4s);
    EXPECT_EQ(first_expired.Err(), Error::kDeadlineExceeded);
  });
  EXPECT_EQ(Totals().fired, 4);
}

// ---- timers

TEST_P(ContextTest, AChildWhoseDeadlineIsNotBeforeItsParentsHasNoTimerOfItsOwn) {
  InBubble([&] {
    auto [parent, cancel_parent] = WithTimeout(Background(), 30s);
    auto [later, cancel_later] = WithTimeout(parent, 60s);
    auto [equal, cancel_equal] = WithDeadline(parent, At(30s));
    auto [none, cancel_none] = WithCancel(parent);
    auto [grandchild, cancel_grandchild] = WithTimeout(none, 40s);
    EXPECT_EQ(Totals().live, 1);
    for (const Context& ctx : {later, equal, none, grandchild}) {
      EXPECT_EQ(ctx.Deadline(), At(30s)) << "its parent's";
    }
    auto [earlier, cancel_earlier] = WithTimeout(none, 29s);
    EXPECT_EQ(Totals().live, 2);
    EXPECT_EQ(earlier.Deadline(), At(29s));
    grandchild.Done().Recv();
    EXPECT_EQ(time::Now(), At(30s));
    for (const Context& ctx : {parent, later, equal, none, grandchild, earlier}) {
      EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
    }
  });
  EXPECT_EQ(Totals().fired, 2);
}

TEST_P(ContextTest, CancelStopsTheTimer) {
  InBubble([&] {
    auto [ctx, cancel] = WithTimeout(Background(), 30s);
    cancel();
    EXPECT_EQ(Totals().live, 0);
    EXPECT_EQ(Totals().stopped, 1);
  });
}

TEST_P(ContextTest, CancellingTheParentStopsTheTimersBelow) {
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    auto [child, cancel_child] = WithTimeout(parent, 30s);
    auto [grandchild, cancel_grandchild] = WithTimeout(child, 20s);
    EXPECT_EQ(Totals().live, 2);
    cancel();
    EXPECT_EQ(Totals().live, 0);
    EXPECT_EQ(Totals().stopped, 2);
  });
}

TEST_P(ContextTest, DoneOfADroppedChildIsClosedWithItsParents) {
  InBubble([] {
    const auto [parent, cancel] = WithCancel(Background());
    const auto done_of_child = [&top = parent] { return WithCancel(top).first.Done(); };
    const auto done_of_grandchild = [&top = parent] {
      const Context child = WithCancel(top).first;
      return WithCancel(child).first.Done();
    };
    const RecvChan<Unit> child = done_of_child();
    const RecvChan<Unit> grandchild = done_of_grandchild();
    done_of_grandchild();  // nobody holds it
    EXPECT_EQ(Select({Recv(child), Recv(grandchild), Default()}), 2);
    cancel();
    bool ok = true;
    EXPECT_EQ(Select({Recv(child, nullptr, &ok), Default()}), 0);
    EXPECT_FALSE(ok);
    EXPECT_EQ(Select({Recv(grandchild), Default()}), 0);
  });
}

TEST_P(ContextTest, DoneOfADroppedChildGoesWithItsLastHandle) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    auto [parent, cancel] = WithCancel(Background());
    const auto dropped = [&, ctx = parent] { return WithCancel(ctx).first.Done(); };
    const RecvChan<Unit> first = dropped();
    const heap::Scope scope;
    {
      const RecvChan<Unit> middle = dropped();
      const RecvChan<Unit> last = dropped();
      for (int i = 0; i < 100; ++i) dropped();
      EXPECT_GT(scope.usage().live_blocks, 0);
    }
    EXPECT_EQ(scope.usage().live_blocks, 0) << "its parent does not keep it";
    cancel();
    EXPECT_EQ(Select({Recv(first), Default()}), 0) << "which still closes the others";
  });
}

TEST_P(ContextTest, DoneOfADroppedChildMayOutliveAll) {
  RecvChan<Unit> done;
  InBubble([&] { done = WithCancel(WithCancel(Background()).first).first.Done(); });
  EXPECT_EQ(Select({Recv(done), Default()}), 1);
}

TEST_P(ContextTest, DroppedWithoutCancelItStaysLiveAndRootedUntilItsDeadline) {
  InBubble([&] {
    RecvChan<Unit> done;
    done = WithTimeout(Background(), 30s).first.Done();
    time::Sleep(29s);
    EXPECT_EQ(Totals().live, 1);
    EXPECT_EQ(Totals().rooted, 1);
    EXPECT_EQ(Totals().abandoned, 0);
    done.Recv();
    EXPECT_EQ(time::Now(), At(30s));
  });
  EXPECT_EQ(Totals().fired, 1);
  EXPECT_EQ(Totals().fired_unheard, 0);
}

TEST_P(ContextTest, TheCensusNamesTheLineOfTheDeadline) {
  InBubble([&] {
    const unsigned line = __LINE__;
    auto with_timeout = WithTimeout(Background(), 30s);
    auto with_deadline = WithDeadline(Background(), At(30s));
    std::vector<unsigned> lines;
    for (const SiteReport& site : bubble_.Report().sites) {
      EXPECT_EQ(site.file, std::source_location::current().file_name());
      EXPECT_EQ(site.kind, "context deadline");
      lines.push_back(site.line);
    }
    EXPECT_THAT(lines, testing::UnorderedElementsAre(line + 1, line + 2));
  });
}

TEST_P(ContextTest, ATickerOf3SecondsAgainstADeadlineOf30SecondsGivesTenTicks) {
  InBubble([&] {
    auto [ctx, cancel] = WithDeadline(Background(), time::Now() + 30s);
    const Defer deferred(cancel);
    const time::ScopedTicker ticker(3s);
    int ticks = 0;
    while (Select({Recv(ctx.Done()), Recv(ticker.C())}) == 1) ++ticks;
    EXPECT_EQ(ticks, 10);
    EXPECT_EQ(time::Now(), At(30s));
  });
  EXPECT_EQ(Totals().live, 0);
}

// ---- the tree

TEST_P(ContextTest, AChildOfADoneParentIsDoneAtReturnWithItsError) {
  InBubble([] {
    auto [parent, cancel] = WithCancel(Background());
    cancel();
    auto [child, cancel_child] = WithTimeout(parent, 3s);
    EXPECT_TRUE(IsDone(child));
    EXPECT_EQ(child.Err(), Error::kCanceled);
    auto expired = WithTimeout(Background(), 0s).first;
    EXPECT_EQ(WithCancel(expired).first.Err(), Error::kDeadlineExceeded);
  });
  EXPECT_EQ(Totals().armed, 0);
}

TEST_P(ContextTest, WhenCancelReturnsAllBelowIsDoneAndNothingElse) {
  InBubble([] {
    const context::Cancelable root = WithCancel(Background());
    const context::Cancelable middle = WithCancel(root.first);
    std::vector<context::Cancelable> above, below;
    for (int i = 0; i < 10; ++i) above.push_back(WithCancel(root.first));
    for (int i = 0; i < 100; ++i) {
      const Context& parent = i < 10 ? middle.first : below[static_cast<std::size_t>(i) - 10].first;
      below.push_back(WithTimeout(parent, 10s));
    }
    middle.second();
    for (const auto& [ctx, cancel] : below) {
      EXPECT_TRUE(IsDone(ctx));
      EXPECT_EQ(ctx.Err(), Error::kCanceled);
    }
    EXPECT_EQ(root.first.Err(), Error::kNone);
    for (const auto& [ctx, cancel] : above) EXPECT_FALSE(IsDone(ctx));
  });
  EXPECT_EQ(Totals().live, 0);
}

TEST_P(ContextTest, CancellingAChildLeavesItsParentAndSiblingsAlone) {
  InBubble([] {
    auto [parent, cancel] = WithCancel(Background());
    auto [a, cancel_a] = WithCancel(parent);
    auto [b, cancel_b] = WithCancel(parent);
    auto [c, cancel_c] = WithCancel(parent);
    cancel_b();
    EXPECT_EQ(parent.Err(), Error::kNone);
    EXPECT_EQ(a.Err(), Error::kNone);
    EXPECT_EQ(c.Err(), Error::kNone);
    cancel();
    EXPECT_EQ(a.Err(), Error::kCanceled);
    EXPECT_EQ(c.Err(), Error::kCanceled);
  });
}

TEST_P(ContextTest, TenThousandChildrenLeaveNothingBehindOnALongLivedParent) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    const heap::Scope scope;
    for (int i = 0; i < 10'000; ++i) {
      auto [child, cancel_child] = WithTimeout(parent, 30s);
      cancel_child();
    }
    EXPECT_EQ(scope.usage().live_blocks, 0) << "cancelled: at once";
    for (int i = 0; i < 10'000; ++i) (void)WithTimeout(parent, 30s);
    EXPECT_GE(scope.usage().live_blocks, 10'000);
    EXPECT_EQ(Totals().live, 10'000);
    time::Sleep(31s);
    EXPECT_EQ(scope.usage().live_blocks, 0) << "dropped: at the deadline";
    for (int i = 0; i < 10'000; ++i) (void)WithTimeout(parent, 30s);
    cancel();
    EXPECT_EQ(scope.usage().live_blocks, 0) << "or when the parent is cancelled";
    EXPECT_EQ(Totals().live, 0);
  });
}

TEST_P(ContextTest, AChainOfTenThousandIsCancelledAndDestroyedWithoutOverflowingTheStack) {
  bubble_.Go([] {  // on the stack of a thread
    auto [root, cancel] = WithCancel(Background());
    Context leaf = root;
    for (int i = 0; i < 10'000; ++i) leaf = WithCancel(leaf).first;
    cancel();
    EXPECT_TRUE(IsDone(leaf));
    Context other = WithCancel(Background()).first;
    for (int i = 0; i < 10'000; ++i) other = WithCancel(other).first;
  });
  bubble_.Advance(1s);
}

// ---- scopes, bubbles, threads

TEST_P(ContextTest, ADeferredCancelRunsOnEveryPath) {
  InBubble([&] {
    try {
      auto [ctx, cancel] = WithTimeout(Background(), 30s);
      const Defer deferred(cancel);
      throw std::runtime_error("on the way out");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(Totals().live, 0);
  });
}

TEST_P(ContextTest, CopiesNameTheSameContextAndADefaultCancelDoesNothing) {
  InBubble([] {
    CancelFunc cancel;
    cancel();
    auto made = WithCancel(Background());
    const Context copy = made.first;
    cancel = made.second;
    made = {};
    cancel();
    EXPECT_EQ(copy.Err(), Error::kCanceled);
  });
}

TEST_P(ContextTest, AContextMayOutliveItsBubbleAndThenOnlyCancelEndsIt) {
  context::Cancelable parent, child;
  {
    Bubble ends({.timers = GetParam()});
    ends.Run([&] {
      parent = WithTimeout(Background(), 30s);
      child = WithTimeout(parent.first, 3s);
      (void)WithTimeout(parent.first, 2s);
    });
  }
  EXPECT_EQ(child.first.Err(), Error::kNone);
  EXPECT_EQ(child.first.Deadline(), At(3s));
  parent.second();
  EXPECT_EQ(child.first.Err(), Error::kCanceled);
  parent = {};
  EXPECT_TRUE(IsDone(child.first));
}

TEST_P(ContextTest, AParentOfAnotherBubblePanics) {
  InBubble([] {
    auto [parent, cancel] = WithCancel(Background());
    Bubble other;
    EXPECT_THROW(other.Run([&, ctx = parent] { (void)WithCancel(ctx); }), Panic);
  });
}

class RealContextTest : public testing::Test {
 protected:
  Bubble bubble_{{.clock = ClockKind::kReal}};
};

TEST_F(RealContextTest, TheDeadlineComes) {
  bubble_.Run([&] {
    // A context whose deadline has passed before it is made has no timer.
    context::Cancelable made;
    for (Duration delay = 2ms; bubble_.Totals().armed == 0; delay *= 2)
      made = WithTimeout(Background(), delay);
    const Context ctx = made.first;
    auto [child, cancel_child] = WithTimeout(ctx, 1h);
    child.Done().Recv();
    EXPECT_EQ(child.Err(), Error::kDeadlineExceeded);
    EXPECT_GE(time::Now(), *ctx.Deadline());
  });
  EXPECT_EQ(bubble_.Totals().fired, 1);
}

TEST(RealContextEndTest, ABubbleMayEndWhileADeadlineComes) {
  for (int round = 0; round < 300; ++round) {
    Bubble ends({.clock = ClockKind::kReal});
    ends.Run([&] {
      auto [ctx, cancel] = WithTimeout(Background(), std::chrono::microseconds(1 + round % 50));
      if (round % 2 == 0) ctx.Done().Recv();
    });
  }
}

TEST_F(RealContextTest, ManyThreadsMayCancelAndDeriveWhileDeadlinesCome) {
  constexpr int kGoroutines = 4;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> errors_without_done = 0;
    const auto check = [&](const Context& ctx) {
      if (ctx.Err() != Error::kNone && !IsDone(ctx)) ++errors_without_done;
    };
    bubble_.Run([&] {
      auto [root, cancel_root] = WithTimeout(Background(), 1ms);
      const auto finished = MakeChan<int>();
      for (int g = 0; g < kGoroutines; ++g) {
        Go([&, finished, ctx = root] {
          for (int i = 0; i < 50; ++i) {
            auto [child, cancel] = WithTimeout(ctx, std::chrono::microseconds(i * 40));
            auto [grandchild, cancel_grandchild] = WithTimeout(child, 1ms);
            if (i % 3 == 0) cancel();
            if (i % 3 == 0 && !IsDone(grandchild)) ++errors_without_done;
            if (i % 3 == 1) cancel_grandchild();
            check(child);
          }
          finished.Send(1);
        });
      }
      std::thread canceller([&, cancel = cancel_root] {
        if (round % 2 == 0) cancel();
        for (int i = 0; i < 50; ++i) check(root);
      });
      for (int g = 0; g < kGoroutines; ++g) finished.Recv();
      canceller.join();
      root.Done().Recv();
    });
    EXPECT_EQ(errors_without_done, 0);
  }
  bubble_.Run([] { time::Sleep(5ms); });
  EXPECT_EQ(bubble_.Totals().live, 0);
  EXPECT_TRUE(bubble_.Totals().Conserved());
}

}  // namespace
}  // namespace afterleak
