#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "afterleak/census/keeper.h"
#include "afterleak/loops/loops.h"
#include "afterleak/loops/timers.h"
#include "tests/support/loop_census.h"
#include "tests/support/lost.h"

namespace {

using afterleak::SiteReport;
using afterleak::test::HasLiveAt;
using afterleak::test::Sees;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::Not;

namespace internal = afterleak::internal;
namespace loops = afterleak::loops;
using namespace std::chrono_literals;

class Libuv : public afterleak::test::LoopCensus {
 protected:
  void SetUp() override { ASSERT_EQ(uv_loop_init(&loop_), 0); }
  void TearDown() override {
    LoopCensus::TearDown();
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "the test has left a handle open";
  }

  void Run(uv_run_mode mode = UV_RUN_DEFAULT) { uv_run(&loop_, mode); }
  static void Close(uv_timer_t* timer) { uv_close(reinterpret_cast<uv_handle_t*>(timer), nullptr); }

  uv_loop_t loop_;
};

TEST_F(Libuv, ATimerIsLiveThenIdleThenGone) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  EXPECT_EQ(Live(), 0) << "initialized, but not armed";
  EXPECT_EQ(Idle(), 1) << "and to be closed, though it may never be started";
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1, 0);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Idle(), 0);
  Run();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  Close(&timer);
  EXPECT_EQ(Idle(), 0);
  Run();
  EXPECT_EQ(Armed(), 1);
}

TEST_F(Libuv, ItsCallbackRunsWithItsOwnTimer) {
  static uv_timer_t* called = nullptr;
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(&timer, [](uv_timer_t* fired) { called = fired; }, 0, 0);
  Run();
  EXPECT_EQ(called, &timer);
  Close(&timer);
  Run();
}

// Where there is no memory to record a timer, the program runs as without us.
TEST_F(Libuv, ItsCallbackRunsAlsoIfItIsNotRecorded) {
  static int called = 0;
  called = 0;
  std::vector<uv_timer_t> timers(5'000);
  {
    const internal::Keeper nothing = {.take = [](std::size_t) -> void* { return nullptr; },
                                      .give_back = internal::kOwnPages.give_back,
                                      .note_code = nullptr,
                                      .shared = false};
    internal::keeper = &nothing;
    for (uv_timer_t& timer : timers) {
      uv_timer_init(&loop_, &timer);
      uv_timer_start(&timer, [](uv_timer_t*) { ++called; }, 1, 0);
    }
    internal::keeper = &internal::kOwnPages;
  }
  EXPECT_GT(loops::internal::Unrecorded(), 0);
  Run();
  EXPECT_EQ(called, 5'000);
  for (uv_timer_t& timer : timers) Close(&timer);
  Run();
}

TEST_F(Libuv, AStoppedOneIsIdle) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 0);
  uv_timer_stop(&timer);
  uv_timer_stop(&timer);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 1);
  Close(&timer);
  Run();
}

TEST_F(Libuv, ToStartAgainStopsAndArms) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  for (int i = 0; i < 3; ++i) uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 0);
  const int line = __LINE__ - 1;
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 1);
  EXPECT_THAT(loops::Report().sites,
              Contains(AllOf(Field(&SiteReport::line, line), Field(&SiteReport::peak_live, 1))));
  Close(&timer);
  EXPECT_EQ(Stopped(), 3) << "closed while it was live";
  EXPECT_EQ(Idle(), 0);
  Run();
}

TEST_F(Libuv, OneThatIsPutOffIsNamedByWhereItWasStarted) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  const auto put_off = [&] { uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 0); };
  const int again = __LINE__ - 1;
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 0);
  const int first = __LINE__ - 1;
  const auto live_at = [](int line) {
    return Contains(AllOf(Field(&SiteReport::line, line), Field(&SiteReport::live, 1)));
  };
  put_off();
  put_off();
  EXPECT_EQ(Stopped(), 2);
  EXPECT_THAT(loops::Report().sites, AllOf(live_at(first), Not(live_at(again))));
  uv_timer_stop(&timer);
  put_off();
  EXPECT_THAT(loops::Report().sites, AllOf(live_at(again), Not(live_at(first))));
  Close(&timer);
  Run();
}

TEST_F(Libuv, ARepeatingOneTicksAndStaysLive) {
  uv_timer_t timer;
  int ticks = 0;
  timer.data = &ticks;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(
      &timer,
      [](uv_timer_t* ticked) {
        if (++*static_cast<int*>(ticked->data) == 5) Close(ticked);
      },
      1, 1);
  Run();
  EXPECT_EQ(ticks, 5);
  EXPECT_EQ(Ticks(), 5);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Live(), 0);
}

TEST_F(Libuv, AgainArmsWhatRepeats) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 1000);
  uv_timer_again(&timer);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Live(), 1);
  Close(&timer);
  Run();
}

// Where a function ends with a call, an optimizing compiler makes a jump of it: what is called then
// returns to libuv. Here also where the tests are not optimized.
#ifdef __clang__
#define ENDS_WITH_A_JUMP
#else
#define ENDS_WITH_A_JUMP [[gnu::optimize("O2")]]
#endif
uv_timer_t ended_with;
ENDS_WITH_A_JUMP void StartLater(uv_timer_t* timer) {
  uv_timer_start(timer, [](uv_timer_t*) {}, 1000, 0);
}
ENDS_WITH_A_JUMP void StartInCallback(uv_async_t*) { StartLater(&ended_with); }
ENDS_WITH_A_JUMP void StopInCallback(uv_async_t*) { uv_timer_stop(&ended_with); }
ENDS_WITH_A_JUMP void AgainInCallback(uv_async_t*) { uv_timer_again(&ended_with); }

TEST_F(Libuv, WhatACallbackEndsWithIsTheProgramsOwn) {
  const auto call_back = [&](uv_async_cb callback) {
    uv_async_t async;
    uv_async_init(&loop_, &async, callback);
    uv_async_send(&async);
    Run(UV_RUN_NOWAIT);
    uv_close(reinterpret_cast<uv_handle_t*>(&async), nullptr);
    Run(UV_RUN_NOWAIT);
  };
  uv_timer_init(&loop_, &ended_with);
  for (int round = 0; round < 2; ++round) {  // before a timer has ever fired, and after
    call_back(StartInCallback);
    EXPECT_EQ(Armed(), 4 * round + 1);
    call_back(StopInCallback);
    EXPECT_EQ(Stopped(), 3 * round + 1);
    uv_timer_set_repeat(&ended_with, 1000);
    call_back(AgainInCallback);
    EXPECT_EQ(Armed(), 4 * round + 2);
    uv_timer_start(&ended_with, StartLater, 0, 0);
    EXPECT_EQ(Armed(), 4 * round + 3);
    EXPECT_EQ(Stopped(), 3 * round + 2);
    Run(UV_RUN_NOWAIT);
    EXPECT_EQ(Fired(), round + 1);
    EXPECT_EQ(Armed(), 4 * round + 4);
    EXPECT_EQ(Live(), 1);
    call_back(StopInCallback);
    EXPECT_EQ(Stopped(), 3 * round + 3);
  }
  Close(&ended_with);
  Run();
}

TEST_F(Libuv, ACallbackThatThrowsHasFired) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(&timer, [](uv_timer_t*) { throw std::runtime_error("of the callback"); }, 1, 0);
  EXPECT_THROW(Run(), std::runtime_error);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Idle(), 1);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1, 0);
  Run();
  EXPECT_EQ(Fired(), 2);
  Close(&timer);
  Run();
}

TEST_F(Libuv, ACallbackCannotCloseItsLoop) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  uv_timer_start(
      &timer, [](uv_timer_t* fired) { EXPECT_EQ(uv_loop_close(fired->loop), UV_EBUSY); }, 1, 0);
  Run();
  EXPECT_EQ(Fired(), 1);
  Close(&timer);
  Run();
}

// Its program has made a mistake: the loop must not run any more. The numbers stay right.
TEST_F(Libuv, OneThatIsFreedWhileItIsPendingIsStoppedWhenItsMemoryIsUsedAgain) {
  uv_loop_t broken;
  {
    const afterleak::test::Lost lost;  // for it cannot be closed
    ASSERT_EQ(uv_loop_init(&broken), 0);
  }
  alignas(uv_timer_t) std::byte memory[sizeof(uv_timer_t)];
  auto* const timer = new (memory) uv_timer_t;
  uv_timer_init(&broken, timer);
  uv_timer_start(timer, [](uv_timer_t*) {}, 1000, 0);
  uv_stop(&broken);
  EXPECT_EQ(uv_loop_close(&broken), UV_EBUSY) << "with a timer pending";
  EXPECT_EQ(Live(), 1) << "nobody has said that it is gone";
  uv_timer_init(&loop_, timer);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Live(), 0);
  uv_timer_start(timer, [](uv_timer_t*) {}, 1, 0);
  Run();
  EXPECT_EQ(Fired(), 1);
  Close(timer);
  Run();
}

TEST_F(Libuv, WhatItRefusesIsNotArmed) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  EXPECT_EQ(uv_timer_start(&timer, nullptr, 1, 0), UV_EINVAL);
  EXPECT_EQ(uv_timer_again(&timer), UV_EINVAL) << "never started";
  Close(&timer);
  EXPECT_EQ(uv_timer_start(&timer, [](uv_timer_t*) {}, 1, 0), UV_EINVAL) << "closed";
  EXPECT_EQ(Armed(), 0);
  Run();
}

TEST_F(Libuv, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 5000;
  std::vector<uv_timer_t> timers(kTimers);
  for (uv_timer_t& timer : timers) {
    uv_timer_init(&loop_, &timer);
    uv_timer_start(&timer, [](uv_timer_t*) {}, (&timer - timers.data()) % 2 == 0 ? 1 : 100'000, 0);
  }
  EXPECT_EQ(Live(), kTimers);
  while (Fired() < kTimers / 2) Run(UV_RUN_NOWAIT);
  EXPECT_EQ(Live(), kTimers / 2);
  EXPECT_EQ(Idle(), kTimers / 2);
  for (uv_timer_t& timer : timers) Close(&timer);
  EXPECT_EQ(Live() + Idle(), 0);
  Run();
}

[[gnu::noinline]] int ArmSomething(uv_timer_t* timer) {
  return uv_timer_start(timer, [](uv_timer_t*) {}, 1000, 0);
}
constexpr int kLine = __LINE__ - 2;

TEST_F(Libuv, TheSiteIsTheLineThatArmed) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  EXPECT_EQ(ArmSomething(&timer), 0);
  EXPECT_THAT(loops::Report(), HasLiveAt(kLine, "uv_timer_start"));
  Close(&timer);
  Run();
}

TEST_F(Libuv, TheSiteOfAnIdleOneIsTheLineThatMadeIt) {
  uv_timer_t timer;
  const int line = __LINE__ + 1;
  uv_timer_init(&loop_, &timer);
  EXPECT_THAT(loops::Report(afterleak::Resource::kIdle), HasLiveAt(line, "uv_timer_init"));
  uv_timer_start(&timer, [](uv_timer_t*) {}, 1000, 1000);
  uv_timer_stop(&timer);
  EXPECT_THAT(loops::Report(afterleak::Resource::kIdle), HasLiveAt(line, "uv_timer_init"));
  Close(&timer);
  Run();
}

TEST_F(Libuv, ATimeoutIsWhatItIs) {
  uv_timer_t timer;
  uv_timer_init(&loop_, &timer);
  for (const std::uint64_t timeout : {std::uint64_t{1'000'000}, UINT64_MAX})
    uv_timer_start(&timer, [](uv_timer_t*) {}, timeout, 0);
  const int line = __LINE__ - 1;
  EXPECT_THAT(
      loops::Report().sites,
      Contains(AllOf(Field(&SiteReport::line, line), Field(&SiteReport::longest_timeout, 1000s),
                     Field(&SiteReport::longest_left, testing::Gt(24h * 365 * 100)))));
  Close(&timer);
  Run();
}

TEST_F(Libuv, AnIdleOneIsSaidToBeThat) {
  uv_timer_t timers[3];
  uv_timer_init(&loop_, &timers[0]);
  uv_timer_init(&loop_, &timers[1]);
  uv_timer_init(&loop_, &timers[2]);
  uv_timer_start(&timers[0], [](uv_timer_t*) {}, 1000, 0);
  std::vector<std::string> states;
  for (const afterleak::Holding& holding : loops::Alive().holdings) {
    if (holding.count > 0) states.push_back(holding.kind + " " + holding.state);
  }
  const std::string idle = "uv_timer_init idle: not armed, and neither closed nor freed";
  EXPECT_THAT(states, testing::UnorderedElementsAre("uv_timer_start ", idle, idle));
  for (uv_timer_t& timer : timers) Close(&timer);
  Run();
}

TEST_F(Libuv, ItsOwnTimersAreNotCounted) {
  uv_fs_poll_t poll;
  uv_fs_poll_init(&loop_, &poll);
  ASSERT_EQ(uv_fs_poll_start(
                &poll, [](uv_fs_poll_t*, int, const uv_stat_t*, const uv_stat_t*) {}, "/", 1),
            0);
  for (int i = 0; i < 5; ++i) Run(UV_RUN_ONCE);
  EXPECT_EQ(Armed(), 0);
  EXPECT_EQ(Idle(), 0);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll), nullptr);
  Run();
}

TEST_F(Libuv, IsWatched) { EXPECT_THAT(loops::Watched(), Sees(loops::Library::kLibuv)); }

}  // namespace
