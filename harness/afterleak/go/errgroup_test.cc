#include "afterleak/go/errgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/select.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using errgroup::ToString;
using testing::HasSubstr;

// A task that takes as long and then fails.
auto FailsAfter(Duration delay, const char* what) {
  return [=] {
    time::Sleep(delay);
    throw std::runtime_error(what);
  };
}

TEST(ErrGroup, WithoutAnErrorWaitReturnsNoneOnceAllAreDone) {
  InBubble([] {
    const errgroup::Group group;
    EXPECT_EQ(group.Wait(), nullptr) << "there was no task";
    int done = 0;
    for (int i = 1; i <= 3; ++i) {
      group.Go([&, i] {
        time::Sleep(std::chrono::hours(i));
        ++done;
      });
    }
    EXPECT_EQ(ToString(group.Wait()), "<nil>");
    EXPECT_EQ(done, 3);
    EXPECT_EQ(time::Now(), Time(3h));
  });
}

TEST(ErrGroup, TheFirstErrorIsTheErrorAndAllAreWaitedFor) {
  InBubble([] {
    const errgroup::Group group;
    group.Go(FailsAfter(3s, "third"));
    group.Go(FailsAfter(1s, "first"));
    group.Go(FailsAfter(2s, "second"));
    const errgroup::Error error = group.Wait();
    EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
    EXPECT_EQ(ToString(error), "first");
    EXPECT_EQ(time::Now(), Time(3s));
    EXPECT_EQ(group.Wait(), error) << "it is kept";
  });
}

TEST(ErrGroup, ATaskMayReturnItsError) {
  InBubble([] {
    const auto error_of = [](auto task) {
      const errgroup::Group group;
      group.Go(std::move(task));
      return ToString(group.Wait());
    };
    EXPECT_EQ(error_of([]() -> errgroup::Error { return nullptr; }), "<nil>");
    EXPECT_EQ(error_of([] { return std::make_exception_ptr(std::logic_error("wrong")); }), "wrong");
    EXPECT_EQ(error_of([] { return context::Error::kNone; }), "<nil>");
    EXPECT_EQ(error_of([] { return context::Error::kDeadlineExceeded; }),
              "context deadline exceeded");
    EXPECT_EQ(error_of([] { throw 1; }), "an exception without a text");
    EXPECT_EQ(error_of([only = std::make_unique<int>(1)] { throw std::logic_error("moved"); }),
              "moved");
  });
}

TEST(ErrGroup, TheFirstErrorCancelsTheContextAndSoDoesWait) {
  InBubble([] {
    auto [group, ctx] = errgroup::WithContext(context::Background());
    group.Go(FailsAfter(1s, "boom"));
    for (int i = 0; i < 3; ++i) {
      group.Go([ctx = ctx] {
        Select({Recv(ctx.Done()), Recv(time::After(1h))});
        return ctx.Err();
      });
    }
    EXPECT_EQ(ToString(group.Wait()), "boom");
    EXPECT_EQ(time::Now(), Time(1s));

    auto [without, done] = errgroup::WithContext(context::Background());
    without.Go([] {});
    EXPECT_EQ(done.Err(), context::Error::kNone);
    EXPECT_EQ(without.Wait(), nullptr);
    EXPECT_EQ(done.Err(), context::Error::kCanceled);
  });
}

TEST(ErrGroup, TheParentsEndIsTheGroupsEnd) {
  InBubble([] {
    auto [parent, cancel] = context::WithTimeout(context::Background(), 5s);
    auto [group, ctx] = errgroup::WithContext(parent);
    group.Go([ctx = ctx] {
      ctx.Done().Recv();
      return ctx.Err();
    });
    EXPECT_EQ(ToString(group.Wait()), "context deadline exceeded");
    cancel();
  });
}

TEST(ErrGroup, NoMoreRunAtOnceThanTheLimit) {
  for (const int limit : {1, 2, 3}) {
    InBubble([&] {
      const errgroup::Group group;
      group.SetLimit(limit);
      int running = 0, most = 0;
      for (int i = 0; i < 6; ++i) {
        group.Go([&] {
          most = std::max(most, ++running);
          time::Sleep(1s);
          --running;
        });
      }
      EXPECT_EQ(group.Wait(), nullptr);
      EXPECT_EQ(most, limit);
      EXPECT_EQ(time::Now(), Time(6s / limit));
    });
  }
}

TEST(ErrGroup, TryGoStartsNothingBeyondTheLimit) {
  InBubble([] {
    const errgroup::Group group;
    group.SetLimit(1);
    int ran = 0;
    const auto task = [&] {
      ++ran;
      time::Sleep(1s);
    };
    EXPECT_TRUE(group.TryGo(task));
    EXPECT_FALSE(group.TryGo(task));
    EXPECT_EQ(group.Wait(), nullptr);
    EXPECT_TRUE(group.TryGo(task));
    EXPECT_EQ(group.Wait(), nullptr);
    group.SetLimit(0);
    EXPECT_FALSE(group.TryGo(task));
    group.SetLimit(-1);
    EXPECT_TRUE(group.TryGo(task));
    EXPECT_TRUE(group.TryGo(task));
    EXPECT_EQ(group.Wait(), nullptr);
    EXPECT_EQ(ran, 4);
  });
}

TEST(ErrGroup, TheLimitOfAGroupAtWorkCannotBeChanged) {
  InBubble([] {
    const errgroup::Group group;
    group.SetLimit(3);
    group.Go([] { time::Sleep(1s); });
    group.Go([] { time::Sleep(1s); });
    EXPECT_EQ(PanicOf([&] { group.SetLimit(4); }),
              "errgroup: modify limit while 2 goroutines in the group are still active");
    EXPECT_EQ(group.Wait(), nullptr);
    group.SetLimit(4);
    group.Go([] { time::Sleep(1s); });
    EXPECT_EQ(PanicOf([&] { group.SetLimit(5); }),
              "errgroup: modify limit while 1 goroutines in the group are still active");
    EXPECT_EQ(group.Wait(), nullptr);
  });
}

TEST(ErrGroup, AtALimitOfNoneGoWaitsInVain) {
  EXPECT_THAT(PanicOf([] {
                InBubble([] {
                  const errgroup::Group group;
                  group.SetLimit(0);
                  group.Go([] {});
                });
              }),
              HasSubstr("[chan send]: harness/afterleak/go/errgroup_test.cc"));
}

TEST(ErrGroup, ATaskThatNeverReturnsIsADeadlock) {
  EXPECT_THAT(PanicOf([] {
                InBubble([] {
                  const errgroup::Group group;
                  group.Go([] { Chan<int>().Recv(); });
                  EXPECT_EQ(group.Wait(), nullptr);
                });
              }),
              HasSubstr("[sync.WaitGroup.Wait]: harness/afterleak/go/errgroup_test.cc"));
}

TEST(ErrGroup, APanicIsNoErrorAndEndsTheRun) {
  bool waited = false;
  EXPECT_EQ(PanicOf([&] {
              InBubble([&] {
                const errgroup::Group group;
                group.Go([] { Chan<int>().Close(); });
                EXPECT_EQ(group.Wait(), nullptr);
                waited = true;
              });
            }),
            "close of nil channel");
  EXPECT_TRUE(waited);
}

TEST(ErrGroup, ATaskThatCannotStartDoesNotCount) {
  struct CannotMove {
    CannotMove() = default;
    CannotMove(CannotMove&&) { throw std::bad_alloc(); }
    void operator()() const {}
  };
  InBubble([] {
    const errgroup::Group group;
    group.SetLimit(1);
    EXPECT_THROW(group.Go(CannotMove()), std::bad_alloc);
    EXPECT_EQ(group.Wait(), nullptr);
    EXPECT_TRUE(group.TryGo([] {})) << "there is room";
    EXPECT_EQ(group.Wait(), nullptr);
  });
}

TEST(ErrGroup, ABubbleMayEndWhileTasksRun) {
  const auto held = std::make_shared<int>();
  {
    Bubble bubble;
    bubble.Go([&] {
      const errgroup::Group group;
      group.SetLimit(2);
      for (int i = 0; i < 4; ++i) {
        group.Go([held] { time::Sleep(1h); });
      }
      FAIL() << "there is room for two";
    });
    bubble.Advance(1s);
    EXPECT_GT(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ErrGroupStress, GoroutinesOfARealBubble) {
  InBubble(
      [] {
        auto [group, ctx] = errgroup::WithContext(context::Background());
        group.SetLimit(3);
        std::atomic<int> ran = 0;
        for (int i = 0; i < 100; ++i) {
          group.Go([&ran, i] {
            ++ran;
            if (i == 50) throw std::runtime_error("50");
          });
        }
        EXPECT_EQ(ToString(group.Wait()), "50");
        EXPECT_EQ(ran, 100);
      },
      {.clock = ClockKind::kReal});
}

TEST(ErrGroupStress, ThreadsOfNoBubbleUseTheDefaultOne) {
  const errgroup::Group group;
  std::atomic<int> ran = 0;
  for (int i = 0; i < 20; ++i) group.Go([&] { ++ran; });
  EXPECT_EQ(group.Wait(), nullptr);
  EXPECT_EQ(ran, 20);
}

}  // namespace
}  // namespace afterleak
