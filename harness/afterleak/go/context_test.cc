// What package context promises: each rule in the design's section "Context" is a test. Contexts
// are kept in both timer modes, which therefore behave alike.
#include "afterleak/go/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
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
    EXPECT_EQ(ctx.Done().Cap(), 0u);
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
    EXPECT_EQ(Totals().rooted, 0) << "it can be heard, or not";
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

TEST_P(ContextTest, AChildHasATimerUnlessItsParentsDeadlineIsSooner) {
  InBubble([&] {
    auto [parent, cancel_parent] = WithTimeout(Background(), 30s);
    auto [later, cancel_later] = WithTimeout(parent, 60s);
    auto [none, cancel_none] = WithCancel(parent);
    auto [grandchild, cancel_grandchild] = WithTimeout(none, 40s);
    EXPECT_EQ(Totals().live, 1);
    auto [equal, cancel_equal] = WithDeadline(parent, At(30s));
    EXPECT_EQ(Totals().live, 2);
    for (const Context& ctx : {later, equal, none, grandchild}) {
      EXPECT_EQ(ctx.Deadline(), At(30s)) << "its parent's";
    }
    auto [earlier, cancel_earlier] = WithTimeout(none, 29s);
    EXPECT_EQ(Totals().live, 3);
    EXPECT_EQ(earlier.Deadline(), At(29s));
    grandchild.Done().Recv();
    EXPECT_EQ(time::Now(), At(30s));
    for (const Context& ctx : {parent, later, equal, none, grandchild, earlier}) {
      EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
    }
  });
  EXPECT_EQ(Totals().fired, 3);
}

TEST_P(ContextTest, TheDeadlineBelowACancelledParentIsStillTheChilds) {
  InBubble([] {
    auto [parent, cancel] = WithTimeout(Background(), 1h);
    cancel();
    EXPECT_EQ(WithTimeout(parent, 1min).first.Deadline(), At(1min));
    EXPECT_EQ(WithTimeout(parent, 1h).first.Deadline(), At(1h));
    EXPECT_EQ(WithTimeout(parent, 2h).first.Deadline(), At(1h)) << "its parent's is sooner";
    auto [other, cancel_other] = WithCancel(Background());
    cancel_other();
    EXPECT_EQ(WithTimeout(other, 1h).first.Deadline(), At(1h));
  });
  EXPECT_EQ(Totals().armed, 1);
}

// Between the two, the context waits in the run queue for its turn.
TEST_P(ContextTest, OneMayBeCancelledAndDroppedAfterItsDeadlineAndBeforeItsTurn) {
  InBubble([] {
    const time::ScopedTimer first(1s);
    {
      auto [ctx, cancel] = WithTimeout(Background(), 1s);
      first.C().Recv();
      cancel();
      EXPECT_EQ(ctx.Err(), Error::kCanceled);
    }
    time::Sleep(1s);
  });
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

TEST_P(ContextTest, DoneOfADroppedChildMayOutliveAll) {
  RecvChan<Unit> done;
  InBubble([&] { done = WithCancel(WithCancel(Background()).first).first.Done(); });
  EXPECT_EQ(Select({Recv(done), Default()}), 1);
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

// ---- what keeps a context, and who hears it

class ContextLeakTest : public ContextTest {
 protected:
  CensusTotals Contexts() const { return bubble_.Totals(Resource::kContext); }

  ~ContextLeakTest() { EXPECT_TRUE(Contexts().Conserved()); }
};
INSTANTIATE_TEST_SUITE_P(Modes, ContextLeakTest, kTimerModes, NameOfTimerMode);

TEST_P(ContextLeakTest, AParentKeepsItsChildrenUntilTheyAreCancelledOrItEnds) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    const heap::Scope scope;
    for (int i = 0; i < 100; ++i) (void)WithCancel(parent);
    EXPECT_EQ(scope.usage().live_blocks, 100);
    EXPECT_EQ(Contexts().live, 100);
    EXPECT_EQ(Contexts().abandoned, 100);
    {
      auto [child, cancel_child] = WithCancel(parent);
      EXPECT_EQ(Contexts().live, 101);
      cancel_child();
      EXPECT_EQ(Contexts().live, 100);
    }
    EXPECT_EQ(scope.usage().live_blocks, 100);
    cancel();
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
  EXPECT_EQ(Contexts().live, 0);
  EXPECT_EQ(Contexts().abandoned, 0);
  EXPECT_EQ(Contexts().stopped, 101);
  EXPECT_EQ(Totals().armed, 0) << "they are no timers";
}

TEST_P(ContextLeakTest, WithoutADeadlineBelowTheBackgroundNothingKeepsIt) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const heap::Scope scope;
    (void)WithCancel(Background());
    (void)WithCancel(context::WithoutCancel(WithCancel(Background()).first));
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
  EXPECT_EQ(Contexts().armed, 0);
}

TEST_P(ContextLeakTest, ATreeThatNothingHoldsIsCollectedAsAWhole) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const heap::Scope scope;
    {
      Context leaf;
      {
        const Context root = WithCancel(Background()).first;
        for (int i = 0; i < 10; ++i) (void)WithCancel(root);
        const Context middle = WithCancel(root).first;
        (void)WithCancel(middle);
        leaf = WithCancel(middle).first;
        context::AfterFunc(middle, [] { ADD_FAILURE() << "it was never done"; });
      }
      EXPECT_EQ(Contexts().live, 14) << "a handle below the root holds it, and it holds the others";
      EXPECT_EQ(Contexts().abandoned, 11);
    }
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
  EXPECT_EQ(Contexts().live, 0);
  EXPECT_EQ(Contexts().collected, 14);
}

TEST_P(ContextLeakTest, ATimerHoldsTheTreeUntilItsDeadline) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const heap::Scope scope;
    {
      const Context root = WithCancel(Background()).first;
      (void)WithTimeout(root, 30s);
      (void)WithCancel(root);
    }
    EXPECT_EQ(scope.usage().live_blocks, 3);
    EXPECT_EQ(Contexts().live, 1);
    time::Sleep(31s);
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
  EXPECT_EQ(Contexts().collected, 1);
  EXPECT_EQ(Totals().fired_unheard, 1);
}

TEST_P(ContextLeakTest, ADeadlineIsAbandonedWithItsLastHandle) {
  InBubble([&] {
    {
      CancelFunc cancel;
      {
        RecvChan<Unit> done;
        {
          context::Cancelable both = WithTimeout(Background(), 30s);
          done = both.first.Done();
          const Context copy = both.first;
          cancel = both.second;
          both = {};
          EXPECT_EQ(Totals().abandoned, 0) << "a copy of the Context is left";
        }
        cancel = {};
        EXPECT_EQ(Totals().abandoned, 0) << "Done is left";
        time::Sleep(10s);
      }
      EXPECT_EQ(Totals().abandoned, 1);
      EXPECT_EQ(Totals().live, 1);
      EXPECT_DOUBLE_EQ(Totals().byte_seconds_lost, 20.0 * static_cast<double>(Totals().live_bytes));
    }
    time::Sleep(30s);
  });
  EXPECT_EQ(Totals().fired_unheard, 1);
  EXPECT_EQ(Totals().live, 0);
}

TEST_P(ContextLeakTest, OnlyACancelThatIsLeftIsEnoughToBeHeard) {
  InBubble([&] {
    {
      const CancelFunc cancel = WithTimeout(Background(), 30s).second;
      EXPECT_EQ(Totals().abandoned, 0);
    }
    EXPECT_EQ(Totals().abandoned, 1);
  });
}

TEST_P(ContextLeakTest, AChildIsAListenerUntilItEndsOrIsAbandoned) {
  InBubble([&] {
    {
      context::Cancelable child = WithCancel(WithTimeout(Background(), 30s).first);
      EXPECT_EQ(Totals().abandoned, 0);
      child.second();
      EXPECT_EQ(Totals().abandoned, 1) << "its last child has gone";
      child = WithCancel(WithTimeout(Background(), 30s).first);
      EXPECT_EQ(Totals().abandoned, 1);
    }
    EXPECT_EQ(Totals().abandoned, 2);
    EXPECT_EQ(Contexts().abandoned, 1);
  });
}

TEST_P(ContextLeakTest, WithTheLastListenerItsParentsAreAbandonedTooThoughItsTimerHoldsThem) {
  InBubble([&] {
    const context::Cancelable root = WithCancel(Background());
    {
      const context::Cancelable last = WithTimeout(WithCancel(root.first).first, 1s);
      EXPECT_EQ(Contexts().abandoned, 0);
    }
    EXPECT_EQ(Contexts().abandoned, 1) << "nobody hears the one in the middle, either";
    EXPECT_EQ(Totals().abandoned, 1);
    root.second();
  });
}

TEST_P(ContextLeakTest, AnAbandonedOneIsNoListenerWhenItsTimeIsOver) {
  InBubble([&] {
    const context::Cancelable root = WithCancel(Background());
    context::Cancelable parent = WithCancel(root.first);
    static_cast<void>(WithTimeout(parent.first, 1s));
    EXPECT_EQ(Totals().abandoned, 1);
    time::Sleep(2s);
    EXPECT_EQ(Contexts().abandoned, 0);
    parent = {};
    EXPECT_EQ(Contexts().abandoned, 1);
    root.second();
  });
}

TEST_P(ContextLeakTest, AnAfterFuncIsAListenerUntilItIsStopped) {
  InBubble([&] {
    const context::StopFunc stop = context::AfterFunc(WithTimeout(Background(), 30s).first, [] {});
    EXPECT_EQ(Totals().abandoned, 0);
    EXPECT_EQ(Contexts().live, 1);
    EXPECT_EQ(Contexts().rooted, 1);
    stop();
    EXPECT_EQ(Totals().abandoned, 1);
    EXPECT_EQ(Contexts().live, 0);
  });
}

TEST_P(ContextLeakTest, TheCensusNamesTheLineOfEveryCall) {
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    std::vector<std::pair<unsigned, std::string>> lines;
    lines.emplace_back(__LINE__ + 1, "context::WithCancel");
    auto with_cancel = WithCancel(parent);
    lines.emplace_back(__LINE__ + 1, "context::WithCancel");
    auto with_cause = context::WithCancelCause(parent);
    auto sooner = WithTimeout(parent, 1s);
    lines.emplace_back(__LINE__ + 1, "context::WithCancel");
    auto no_timer = WithTimeout(sooner.first, 2s);
    lines.emplace_back(__LINE__ + 1, "context::AfterFunc");
    auto stop = context::AfterFunc(parent, [] {});
    std::vector<std::pair<unsigned, std::string>> found;
    for (const SiteReport& site : bubble_.Report(Resource::kContext).sites) {
      found.emplace_back(site.line, site.kind);
      EXPECT_EQ(site.file, std::source_location::current().file_name());
      EXPECT_EQ(site.live, 1);
    }
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(lines));
  });
}

TEST_P(ContextLeakTest, TheBytesOfARecordAreWhatTheHeapHolds) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    const auto bytes_of = [&](Resource resource, const std::function<void()>& make) {
      const heap::Scope scope;
      make();
      EXPECT_GT(scope.usage().live_bytes, 0);
      EXPECT_EQ(bubble_.Totals(resource).live_bytes, scope.usage().live_bytes);
      cancel();
      std::tie(parent, cancel) = WithCancel(Background());
    };
    bytes_of(Resource::kTimer, [&top = parent] { (void)WithTimeout(top, 30s); });
    bytes_of(Resource::kContext, [&top = parent] { (void)WithCancel(top); });
    bytes_of(Resource::kContext, [&top = parent] {
      std::array<char, 1000> large{};
      context::AfterFunc(top, [large] { EXPECT_EQ(large[0], 0); });
    });
  });
}

// ---- AfterFunc

TEST_P(ContextTest, AfterFuncRunsOnceInAGoroutineWhenItsContextIsDone) {
  InBubble([] {
    auto [parent, cancel] = WithCancel(Background());
    auto [child, cancel_child] = WithCancel(parent);
    std::vector<int> ran;
    const auto stop = context::AfterFunc(child, [&] { ran.push_back(1); });
    context::AfterFunc(child, [&] { ran.push_back(2); });
    Wait();
    EXPECT_THAT(ran, testing::IsEmpty());
    cancel();
    EXPECT_THAT(ran, testing::IsEmpty()) << "not in the goroutine that cancels";
    Wait();
    EXPECT_THAT(ran, testing::UnorderedElementsAre(1, 2));
    EXPECT_FALSE(stop()) << "it has been started";
    cancel_child();
    Wait();
    EXPECT_EQ(ran.size(), 2u);
  });
}

TEST_P(ContextTest, AfterFuncOfADeadlineRunsAtThatInstant) {
  InBubble([] {
    Time ran{};
    const Context ctx = WithTimeout(Background(), 3s).first;
    context::AfterFunc(ctx, [&] { ran = time::Now(); });
    time::Sleep(5s);
    EXPECT_EQ(ran, At(3s));
  });
}

TEST_P(ContextTest, AfterFuncOfADoneContextRunsAtOnceAndOfTheBackgroundNever) {
  InBubble([] {
    int ran = 0;
    const auto stop = context::AfterFunc(WithTimeout(Background(), 0s).first, [&] { ++ran; });
    Wait();
    EXPECT_EQ(ran, 1);
    EXPECT_FALSE(stop());
    const auto never = context::AfterFunc(Background(), [] { ADD_FAILURE() << "ran"; });
    EXPECT_TRUE(never());
    EXPECT_FALSE(never());
  });
  EXPECT_EQ(bubble_.Totals(Resource::kContext).armed, 0);
}

TEST_P(ContextTest, AStoppedAfterFuncNeverRunsAndTheOthersDo) {
  InBubble([] {
    auto [ctx, cancel] = WithCancel(Background());
    int ran = 0;
    const auto stop = context::AfterFunc(ctx, [] { ADD_FAILURE() << "ran"; });
    context::AfterFunc(ctx, [&] { ++ran; });
    EXPECT_TRUE(stop) << "there is something to stop";
    EXPECT_TRUE(stop());
    EXPECT_FALSE(stop());
    EXPECT_FALSE(context::StopFunc());
    EXPECT_FALSE(context::StopFunc()());
    cancel();
    Wait();
    EXPECT_EQ(ran, 1);
  });
}

TEST_P(ContextTest, WhatAnAfterFuncHoldsGoesWithItsRunOrItsStop) {
  const auto held = std::make_shared<int>();
  InBubble([&] {
    auto [ctx, cancel] = WithCancel(Background());
    context::AfterFunc(ctx, [held, once = std::make_unique<int>()] {});
    context::AfterFunc(ctx, [held] {})();
    EXPECT_EQ(held.use_count(), 2);
    cancel();
    Wait();
    EXPECT_EQ(held.use_count(), 1);
  });
}

TEST_P(ContextTest, AfterFuncsThatHoldTheirOwnContextOrStopGoAtTheEndOfTheBubble) {
  const auto held = std::make_shared<int>();
  {
    Bubble ends({.timers = GetParam()});
    ends.Run([&] {
      const Context ctx = WithCancel(Background()).first;
      context::AfterFunc(ctx, [ctx, held] {});
      const auto stop = std::make_shared<context::StopFunc>();
      *stop = context::AfterFunc(ctx, [stop, held] {});
      (*stop)();
    });
    EXPECT_EQ(held.use_count(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
}

// ---- causes

std::exception_ptr Because(const char* why) {
  return std::make_exception_ptr(std::runtime_error(why));
}

std::string CauseOf(const Context& ctx) { return context::ToString(context::Cause(ctx)); }

TEST_P(ContextTest, TheCauseIsWhatTheFirstCancellationGave) {
  InBubble([] {
    auto [parent, cancel_parent] = context::WithCancelCause(Background());
    auto [child, cancel_child] = context::WithCancelCause(parent);
    auto [grandchild, cancel_grandchild] = WithTimeout(child, 1h);
    EXPECT_EQ(context::Cause(parent), nullptr);
    EXPECT_EQ(CauseOf(parent), "<nil>");
    const std::exception_ptr lost = Because("connection lost");
    cancel_child(lost);
    cancel_parent(Because("shutdown"));
    cancel_child(Because("too late"));
    EXPECT_EQ(CauseOf(parent), "shutdown");
    EXPECT_EQ(context::Cause(child), lost);
    EXPECT_EQ(context::Cause(grandchild), lost);
    EXPECT_EQ(child.Err(), Error::kCanceled);
    EXPECT_EQ(context::Cause(WithCancel(child).first), lost);
  });
}

TEST_P(ContextTest, WithoutACauseItIsTheError) {
  InBubble([] {
    auto [canceled, cancel] = context::WithCancelCause(Background());
    cancel(nullptr);
    EXPECT_EQ(CauseOf(canceled), "context canceled");
    EXPECT_THROW(std::rethrow_exception(context::Cause(canceled)), Error);
    const Context expired = WithTimeout(Background(), 0s).first;
    EXPECT_EQ(CauseOf(expired), "context deadline exceeded");
    EXPECT_EQ(context::Cause(Background()), nullptr);
    EXPECT_EQ(context::Cause(context::WithoutCancel(canceled)), nullptr);
    EXPECT_EQ(context::ToString(std::make_exception_ptr(7)), "an exception without a text");
  });
}

TEST_P(ContextTest, TheCauseOfADeadlineIsNotThatOfACancel) {
  InBubble([] {
    const std::exception_ptr slow = Because("too slow");
    auto [late, cancel_late] = context::WithTimeoutCause(Background(), 1s, slow);
    auto [below, cancel_below] = WithCancel(late);
    auto [past, cancel_past] = context::WithDeadlineCause(Background(), At(0s), slow);
    EXPECT_EQ(CauseOf(past), "too slow");
    auto [canceled, cancel] = context::WithTimeoutCause(Background(), 1s, slow);
    cancel();
    time::Sleep(2s);
    EXPECT_EQ(context::Cause(late), slow);
    EXPECT_EQ(context::Cause(below), slow);
    EXPECT_EQ(late.Err(), Error::kDeadlineExceeded);
    EXPECT_EQ(CauseOf(canceled), "context canceled");
  });
}

// ---- values

const context::Key<std::string> kUser;
const context::Key<std::string> kHost;
const context::Key<int> kTry;

TEST_P(ContextTest, ValuesAreFoundByTheirKeyInAllContextsBelow) {
  InBubble([] {
    EXPECT_EQ(Background().Value(kUser), nullptr);
    const Context user = context::WithValue(Background(), kUser, "ada");
    auto [child, cancel] = WithTimeout(context::WithValue(user, kTry, 1), 1h);
    const Context again = context::WithValue(child, kTry, 2);
    EXPECT_EQ(*again.Value(kUser), "ada");
    EXPECT_EQ(*again.Value(kTry), 2) << "the last one";
    EXPECT_EQ(*child.Value(kTry), 1);
    EXPECT_EQ(user.Value(kTry), nullptr) << "made below";
    EXPECT_EQ(again.Value(kHost), nullptr) << "another key of the same type";
    EXPECT_EQ(again.Done(), child.Done());
    cancel();
    EXPECT_EQ(again.Err(), Error::kCanceled);
    EXPECT_EQ(*again.Value(kUser), "ada");
  });
}

TEST_P(ContextTest, WhatIsBelowGoesAndTheValuesAboveStay) {
  InBubble([] {
    const Context user = context::WithValue(Background(), kUser, "ada");
    const Context child = context::WithValue(user, kTry, 1);
    static_cast<void>(context::WithValue(child, kTry, 2));
    EXPECT_EQ(*child.Value(kTry), 1);
    EXPECT_EQ(*child.Value(kUser), "ada");
  });
}

TEST_P(ContextTest, ALongChainOfValuesTakesNoStackToGo) {
  InBubble([] {
    Context ctx = Background();
    for (int i = 0; i < 300'000; ++i) ctx = context::WithValue(ctx, kTry, i);
    EXPECT_EQ(*ctx.Value(kTry), 299'999);
  });
}

TEST_P(ContextTest, OneThatIsPendingGoesWithItsBubbleAndItsValuesToo) {
  const context::Key<std::shared_ptr<int>> key;
  std::weak_ptr<int> held;
  afterleak::InBubble(
      [&] {
        auto value = std::make_shared<int>(1);
        held = value;
        const auto user = context::WithValue(Background(), key, std::move(value));
        static_cast<void>(WithTimeout(user, 1h));
      },
      {.timers = GetParam()});
  EXPECT_TRUE(held.expired());
}

TEST_P(ContextTest, WithoutCancelKeepsTheValuesOnly) {
  InBubble([] {
    auto [parent, cancel] = WithTimeout(context::WithValue(context::Todo(), kTry, 7), 1h);
    const Context detached = context::WithoutCancel(parent);
    auto [child, cancel_child] = WithCancel(detached);
    cancel();
    EXPECT_TRUE(detached.Done().IsNil());
    EXPECT_EQ(detached.Deadline(), std::nullopt);
    EXPECT_EQ(detached.Err(), Error::kNone);
    EXPECT_EQ(*child.Value(kTry), 7);
    EXPECT_EQ(child.Err(), Error::kNone);
  });
}

TEST_P(ContextTest, AParentKeepsTheValuesOfItsChildren) {
  const context::Key<std::shared_ptr<int>> key;
  const auto held = std::make_shared<int>();
  InBubble([&] {
    auto [parent, cancel] = WithCancel(Background());
    (void)WithCancel(context::WithValue(parent, key, held));
    EXPECT_EQ(held.use_count(), 2);
    cancel();
    EXPECT_EQ(held.use_count(), 1);
  });
}

TEST_P(ContextTest, AHundredThousandValuesAreDestroyedWithoutOverflowingTheStack) {
  bubble_.Go([] {
    Context ctx = Background();
    for (int i = 0; i < 100'000; ++i) ctx = context::WithValue(ctx, kTry, i);
    EXPECT_EQ(*ctx.Value(kTry), 99'999);
  });
  bubble_.Advance(1s);
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
    EXPECT_FALSE(cancel);
    cancel();
    auto made = WithCancel(Background());
    const Context copy = made.first;
    cancel = made.second;
    EXPECT_TRUE(cancel);
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
