#include <ev.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "afterleak/census/symbols.h"
#include "afterleak/loops/ledger.h"
#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"
#include "tests/support/lost.h"

namespace {

namespace loops = afterleak::loops;

using namespace std::chrono_literals;

void Nothing(struct ev_loop*, ev_timer*, int) {}

class Libev : public afterleak::test::LoopCensus {
 protected:
  ~Libev() override {
    if (loop_ != nullptr) ev_loop_destroy(loop_);
  }
  void Run() { ev_run(loop_, 0); }
  static ev_timer Timer(double after, double repeat = 0,
                        void (*callback)(struct ev_loop*, ev_timer*, int) = &Nothing) {
    ev_timer timer;
    ev_timer_init(&timer, callback, after, repeat);
    return timer;
  }

  struct ev_loop* loop_ = ev_loop_new(0);
};

TEST_F(Libev, ATimerIsLiveUntilItFires) {
  ev_timer timer = Timer(0.001);
  EXPECT_EQ(Live(), 0);
  ev_timer_start(loop_, &timer);
  ev_timer_start(loop_, &timer);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Armed(), 1) << "it was active already";
  Run();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 0);
  EXPECT_EQ(Idle(), 0) << "nobody has to free it";
}

TEST_F(Libev, AStoppedOneIsGone) {
  ev_timer timer = Timer(1000);
  ev_timer_start(loop_, &timer);
  ev_timer_stop(loop_, &timer);
  ev_timer_stop(loop_, &timer);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Live(), 0);
}

TEST_F(Libev, AgainArmsStopsAndArms) {
  ev_timer timer = Timer(0, 1000);
  ev_timer_again(loop_, &timer);
  EXPECT_EQ(Armed(), 1) << "not twice, though libev starts it";
  ev_timer_again(loop_, &timer);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  timer.repeat = 0;
  ev_timer_again(loop_, &timer);
  EXPECT_EQ(Stopped(), 2) << "without a repeat it stops";
  EXPECT_EQ(Armed(), 2);
}

TEST_F(Libev, OneThatIsPutOffIsNamedByWhereItWasStarted) {
  ev_timer timer = Timer(0, 1000);
  const auto again = [&] { ev_timer_again(loop_, &timer); };
  const int put_off = __LINE__ - 1;
  ev_timer_again(loop_, &timer);
  const int first = __LINE__ - 1;
  again();
  again();
  EXPECT_EQ(Stopped(), 2);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(first, "ev_timer_again"));
  ev_timer_stop(loop_, &timer);
  again();
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(put_off, "ev_timer_again"));
  ev_timer_stop(loop_, &timer);
}

TEST_F(Libev, OneThatComesToRepeatIsAnother) {
  ev_timer timer = Timer(1000);
  ev_timer_start(loop_, &timer);
  timer.repeat = 1000;
  ev_timer_again(loop_, &timer);
  const int line = __LINE__ - 1;
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(line, "ev_timer_again"));
  ev_timer_stop(loop_, &timer);
}

TEST_F(Libev, OneThatRepeatsWithinASecondIsNoOther) {
  ev_timer timers[] = {Timer(1000, 0.5), Timer(0, 0.5)};
  const int line = __LINE__ + 1;
  ev_timer_start(loop_, &timers[0]);
  ev_timer_again(loop_, &timers[1]);
  const afterleak::CensusReport report = loops::Report();
  EXPECT_THAT(report, afterleak::test::HasLiveAt(line, "ev_timer_start (repeat)"));
  EXPECT_THAT(report, afterleak::test::HasLiveAt(line + 1, "ev_timer_again"));
  for (ev_timer& timer : timers) ev_timer_stop(loop_, &timer);
}

TEST_F(Libev, ATimeoutIsWhatItIsInSeconds) {
  const auto report_of = [&](double after) {
    ev_timer timer = Timer(after);
    ev_timer_start(loop_, &timer);
    const int line = __LINE__ - 1;
    afterleak::SiteReport found;
    for (const afterleak::SiteReport& site : loops::Report().sites) {
      if (site.line == line && site.live == 1) found = site;
    }
    ev_timer_stop(loop_, &timer);
    return found;
  };
  EXPECT_EQ(report_of(0).longest_timeout, 0s);
  EXPECT_EQ(report_of(0.5).longest_timeout, 500ms);
  EXPECT_EQ(report_of(1000).longest_timeout, 1000s);
  EXPECT_GT(report_of(1e300).longest_left, 24h * 365 * 100) << "never";
}

TEST_F(Libev, ARepeatingOneTicksAndStaysLive) {
  static int ticks;
  ticks = 0;
  ev_timer timer = Timer(0.001, 0.001, [](struct ev_loop* loop, ev_timer* ticked, int) {
    if (++ticks == 5) ev_timer_stop(loop, ticked);
  });
  ev_timer_start(loop_, &timer);
  Run();
  EXPECT_EQ(ticks, 5);
  EXPECT_EQ(Ticks(), 5);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Libev, ACallbackMayFreeItsTimerOrStartItAgain) {
  static int calls;
  calls = 0;
  auto* const timer = new ev_timer(Timer(0.001, 0, [](struct ev_loop* loop, ev_timer* fired, int) {
    if (++calls == 3) {
      delete fired;
      return;
    }
    ev_timer_set(fired, 0.001, 0.);
    ev_timer_start(loop, fired);
  }));
  ev_timer_start(loop_, timer);
  Run();
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Fired(), 3);
}

TEST_F(Libev, OnceIsAnsweredOrFires) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  static int called;
  called = 0;
  const auto count = [](int events, void* by) {
    called += *static_cast<int*>(by);
    EXPECT_TRUE(events == EV_READ || events == EV_TIMER);
  };
  int one = 1;
  int ten = 10;
  ev_once(loop_, ends[0], EV_READ, 1000., count, &one);
  ev_once(loop_, -1, 0, 0.001, count, &ten);
  EXPECT_EQ(Live(), 2);
  ev_once(loop_, ends[0], EV_READ, -1., count, &one);
  EXPECT_EQ(Live(), 2) << "without a time-out it is no timer";
  Run();
  EXPECT_EQ(called, 12);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Libev, CallbacksThatThrowHaveFired) {
  ev_timer timer = Timer(0.001, 0, [](struct ev_loop*, ev_timer*, int) {
    throw std::runtime_error("of the callback");
  });
  ev_timer_start(loop_, &timer);
  EXPECT_THROW(Run(), std::runtime_error);
  EXPECT_EQ(Fired(), 1);
  const auto throws = [](int, void*) { throw std::runtime_error("of the callback"); };
  ev_once(loop_, -1, 0, 0.001, throws, nullptr);
  EXPECT_THROW(Run(), std::runtime_error);
  EXPECT_EQ(Fired(), 2);
}

TEST_F(Libev, WhatTheProgramFeedsIsNoFiring) {
  ev_timer timer = Timer(1000);
  ev_timer_start(loop_, &timer);
  ev_feed_event(loop_, &timer, EV_TIMER);
  EXPECT_EQ(Live(), 1);
  ev_timer_stop(loop_, &timer);
}

// Where a function ends with a call, an optimizing compiler makes a jump of it: what is called then
// returns to libev. Here also where the tests are not optimized.
#ifdef __clang__
#define ENDS_WITH_A_JUMP
#else
#define ENDS_WITH_A_JUMP [[gnu::optimize("O2")]]
#endif
ev_timer ended_with;
ENDS_WITH_A_JUMP void StartInCallback(struct ev_loop* loop, ev_async*, int) {
  ev_timer_start(loop, &ended_with);
}
ENDS_WITH_A_JUMP void AgainInCallback(struct ev_loop* loop, ev_async*, int) {
  ev_timer_again(loop, &ended_with);
}
ENDS_WITH_A_JUMP void StopInCallback(struct ev_loop* loop, ev_async*, int) {
  ev_timer_stop(loop, &ended_with);
}
ENDS_WITH_A_JUMP void AgainWhenItFires(struct ev_loop* loop, ev_timer* fired, int) {
  ev_timer_again(loop, fired);
}
ENDS_WITH_A_JUMP void StartOnce(int, void* loop) {
  ev_timer_start(static_cast<struct ev_loop*>(loop), &ended_with);
}

TEST_F(Libev, WhatACallbackEndsWithIsTheProgramsOwn) {
  const auto call_back = [&](void (*callback)(struct ev_loop*, ev_async*, int)) {
    ev_async async;
    ev_async_init(&async, callback);
    ev_async_start(loop_, &async);
    ev_async_send(loop_, &async);
    ev_run(loop_, EVRUN_ONCE);
    ev_async_stop(loop_, &async);
  };
  ended_with = Timer(1000, 1000);
  call_back(StartInCallback);
  EXPECT_EQ(Armed(), 1);
  call_back(AgainInCallback);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  call_back(StopInCallback);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 0);

  ev_timer again = Timer(0, 1000, AgainWhenItFires);
  ev_timer_start(loop_, &again);
  ev_run(loop_, EVRUN_NOWAIT);
  EXPECT_EQ(Ticks(), 1);
  EXPECT_EQ(Armed(), 4);
  EXPECT_EQ(Stopped(), 3);
  ev_timer_stop(loop_, &again);

  ev_once(loop_, -1, 0, 0., StartOnce, loop_);
  ev_run(loop_, EVRUN_NOWAIT);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 1);
  ev_timer_stop(loop_, &ended_with);
}

// The innermost frame of what armed it.
std::uintptr_t FrameOf(const ev_timer& timer) {
  auto& ledger = loops::internal::Ledger::Get();
  const auto key = reinterpret_cast<std::uintptr_t>(&timer);
  return ledger.BornAt(*ledger.objects(loops::Library::kLibev).Find(key)).frames.front();
}
bool IsIn(std::uintptr_t frame, auto* function) {
  return frame - reinterpret_cast<std::uintptr_t>(function) < 512;
}
[[gnu::noinline]] void StartAndLook(struct ev_loop* loop, ev_async*, int) {
  ev_timer_start(loop, &ended_with);
  EXPECT_TRUE(IsIn(FrameOf(ended_with), StartAndLook));
}

TEST_F(Libev, WhatArmedIsTheInnermostFrame) {
  StartAndLook(loop_, nullptr, 0);
  ev_timer_stop(loop_, &ended_with);
  ev_async async;
  ev_async_init(&async, StartInCallback);
  ev_async_start(loop_, &async);
  ev_async_send(loop_, &async);
  ev_run(loop_, EVRUN_ONCE);
  const std::uintptr_t frame = FrameOf(ended_with);
  EXPECT_TRUE(frame == afterleak::internal::kSomeFunction || IsIn(frame, StartInCallback))
      << "if it jumped, it is not known which callback did";
  ev_timer_stop(loop_, &ended_with);
  ev_async_stop(loop_, &async);
}

TEST_F(Libev, ItsOwnTimersAreNotCounted) {
  ev_stat stat;
  ev_stat_init(&stat, [](struct ev_loop*, ev_stat*, int) {}, "/proc", 0.2);
  ev_stat_start(loop_, &stat);
  ev_run(loop_, EVRUN_ONCE);
  ev_stat_stop(loop_, &stat);
  EXPECT_EQ(Armed(), 0);
}

TEST_F(Libev, ALoopThatIsDestroyedStopsWhatIsPending) {
  ev_timer timers[] = {Timer(1000), Timer(1000, 1000), Timer(0, 1000)};
  ev_timer_start(loop_, &timers[0]);
  ev_timer_start(loop_, &timers[1]);
  ev_timer_again(loop_, &timers[2]);
  struct ev_loop* const other = ev_loop_new(0);
  ev_timer others = Timer(1000);
  ev_timer_start(other, &others);
  {
    const afterleak::test::Lost lost;  // libev keeps no list of them
    ev_once(loop_, -1, 0, 1000., [](int, void*) {}, nullptr);
  }
  EXPECT_EQ(Live(), 5);
  ev_loop_destroy(loop_);
  loop_ = nullptr;
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Stopped(), 4);
  ev_loop_destroy(other);
}

TEST_F(Libev, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 5000;
  std::vector<ev_timer> timers;
  for (int i = 0; i < kTimers; ++i) timers.push_back(Timer(i % 2 == 0 ? 0.001 : 1000));
  for (ev_timer& timer : timers) ev_timer_start(loop_, &timer);
  EXPECT_EQ(Live(), kTimers);
  while (Fired() < kTimers / 2) ev_run(loop_, EVRUN_NOWAIT);
  EXPECT_EQ(Live(), kTimers / 2);
  for (ev_timer& timer : timers) ev_timer_stop(loop_, &timer);
  EXPECT_EQ(Stopped(), kTimers / 2);
}

[[gnu::noinline]] int ArmSomething(struct ev_loop* loop, ev_timer* timer) {
  ev_timer_start(loop, timer);
  return ev_is_active(timer);
}
constexpr int kLine = __LINE__ - 3;

TEST_F(Libev, TheSiteIsTheLineThatArmed) {
  ev_timer timer = Timer(1000);
  EXPECT_NE(ArmSomething(loop_, &timer), 0);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "ev_timer_start"));
  ev_timer_stop(loop_, &timer);
}

TEST_F(Libev, IsWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kLibev));
}

TEST_F(Libev, ItsFunctionsOfLibeventsNamesAreNotTakenForLibevent) {
  EXPECT_THAT(loops::Watched(), testing::Not(afterleak::test::Sees(loops::Library::kLibevent)));
}

}  // namespace
