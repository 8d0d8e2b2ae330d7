#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
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
using afterleak::test::ReportOf;

constexpr timeval kSoon{.tv_sec = 0, .tv_usec = 1000};
constexpr timeval kLater{.tv_sec = 1000, .tv_usec = 0};

void Nothing(evutil_socket_t, short, void*) {}

class Libevent : public afterleak::test::LoopCensus {
 protected:
  ~Libevent() override {
    if (base_ != nullptr) event_base_free(base_);
  }

  void Run() { event_base_dispatch(base_); }
  event* New(event_callback_fn callback = &Nothing, short events = 0) {
    return event_new(base_, -1, events, callback, event_self_cbarg());
  }

  event_base* base_ = event_base_new();
};

TEST_F(Libevent, ATimerIsIdleLiveIdleGone) {
  event* const timer = New();
  EXPECT_EQ(Idle(), 1) << "made, and nobody has freed it";
  EXPECT_EQ(Live(), 0);
  event_add(timer, &kSoon);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Live(), 1);
  Run();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  event_free(timer);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(Libevent, AStoppedOneIsIdle) {
  event* const timer = New();
  for (int (*const stop)(event*) :
       {&event_del, &event_del_block, &event_del_noblock, &event_remove_timer}) {
    event_add(timer, &kLater);
    EXPECT_EQ(Live(), 1);
    stop(timer);
    stop(timer);
    EXPECT_EQ(Live(), 0);
    EXPECT_EQ(Idle(), 1);
  }
  EXPECT_EQ(Stopped(), 4);
  EXPECT_EQ(Fired(), 0);
  event_free(timer);
}

TEST_F(Libevent, ToAddAgainStopsAndArms) {
  event* const timer = New();
  for (int i = 0; i < 3; ++i) event_add(timer, &kLater);
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 1);
  event_free(timer);
  EXPECT_EQ(Stopped(), 3) << "freed while it was live";
  EXPECT_EQ(event_base_get_num_events(base_, EVENT_BASE_COUNT_ADDED), 0);
}

TEST_F(Libevent, ATimeoutIsWhatItIs) {
  event* const timer = New();
  const timeval exact{.tv_sec = 1, .tv_usec = 500'000};
  const timeval common{.tv_sec = 1000, .tv_usec = 250'000};
  const int line = __LINE__ + 1;
  event_add(timer, &exact);
  event_del(timer);
  event_add(timer, event_base_init_common_timeout(base_, &common));
  event_free(timer);
  EXPECT_EQ(ReportOf(line).longest_timeout, 1500ms);
  EXPECT_EQ(ReportOf(line + 2).longest_timeout, 1'000'250ms);
}

TEST_F(Libevent, ATickPutsItOffByItsInterval) {
  const timeval days{.tv_sec = 1'000'000, .tv_usec = 0};
  event* const timer = New(&Nothing, EV_PERSIST);
  const int line = __LINE__ + 1;
  event_add(timer, &days);
  event_active(timer, EV_TIMEOUT, 1);
  EXPECT_EQ(Ticks(), 1);
  const afterleak::Duration left = ReportOf(line).longest_left;
  EXPECT_LE(left, 1'000'000s);
  EXPECT_GT(left, 900'000s);
  event_free(timer);
}

TEST_F(Libevent, ToAddWithoutATimeoutLeavesTheTimeoutAsItIs) {
  event* const timer = New();
  event_add(timer, nullptr);
  EXPECT_EQ(Armed(), 0);
  event_add(timer, &kLater);
  event_add(timer, nullptr);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Live(), 1);
  event_free(timer);
}

TEST_F(Libevent, APersistentOneTicksAndStaysLive) {
  static int ticks;
  ticks = 0;
  event* const timer = New(
      [](evutil_socket_t, short, void* self) {
        if (++ticks == 5) event_del(static_cast<event*>(self));
      },
      EV_PERSIST);
  event_add(timer, &kSoon);
  Run();
  EXPECT_EQ(ticks, 5);
  EXPECT_EQ(Ticks(), 5);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Stopped(), 1);
  event_free(timer);
}

TEST_F(Libevent, ACallbackMayFreeItsTimerOrAddItAgain) {
  static int calls;
  calls = 0;
  event* const timer = New([](evutil_socket_t, short, void* self) {
    if (++calls < 3)
      event_add(static_cast<event*>(self), &kSoon);
    else
      event_free(static_cast<event*>(self));
  });
  event_add(timer, &kSoon);
  Run();
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Fired(), 3);
}

class LibeventPipe : public Libevent {
 protected:
  LibeventPipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~LibeventPipe() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  event* Waiting(short events) { return event_new(base_, ends_[0], events, &Nothing, nullptr); }
  void Answer() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }

  int ends_[2];
};

TEST_F(LibeventPipe, AnAnsweredOneIsStopped) {
  event* const waiting = Waiting(EV_READ);
  event_add(waiting, &kLater);
  EXPECT_EQ(Live(), 1);
  Answer();
  Run();
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Fired(), 0);
  event_free(waiting);
}

TEST_F(LibeventPipe, AnUnansweredOneFires) {
  event* const waiting = Waiting(EV_READ);
  event_add(waiting, &kSoon);
  Run();
  EXPECT_EQ(Stopped(), 0);
  EXPECT_EQ(Fired(), 1);
  event_free(waiting);
}

TEST_F(LibeventPipe, WhatWaitsForMoreThanTimeIsNeverIdle) {
  event* const waiting = Waiting(EV_READ);
  event* const for_input = event_new(base_, 0, EV_READ, &Nothing, nullptr);
  event* const for_signal = event_new(base_, SIGUSR2, EV_SIGNAL, &Nothing, nullptr);
  EXPECT_EQ(Idle(), 0);
  event_add(waiting, &kLater);
  event_del(waiting);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 0);
  for (event* const each : {waiting, for_input, for_signal}) event_free(each);
}

TEST_F(LibeventPipe, APersistentOneThatIsAnsweredWaitsOn) {
  event* const waiting = Waiting(EV_READ | EV_PERSIST);
  event_add(waiting, &kLater);
  Answer();
  event_base_loop(base_, EVLOOP_ONCE);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Ticks(), 0);
  event_free(waiting);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(LibeventPipe, OnceIsAnsweredOrFires) {
  event_base_once(base_, ends_[0], EV_READ, &Nothing, nullptr, &kLater);
  event_base_once(base_, -1, EV_TIMEOUT, &Nothing, nullptr, &kSoon);
  EXPECT_EQ(Live(), 2);
  event_base_once(base_, ends_[0], EV_READ, &Nothing, nullptr, nullptr);
  EXPECT_EQ(Live(), 2) << "without a time-out it is no timer";
  Answer();
  Run();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 0);
}

TEST_F(Libevent, OnceCallsBackWithTheProgramsArgument) {
  int called = 0;
  event_base_once(
      base_, -1, EV_TIMEOUT,
      [](evutil_socket_t, short what, void* count) {
        EXPECT_EQ(what, EV_TIMEOUT);
        ++*static_cast<int*>(count);
      },
      &called, &kSoon);
  Run();
  EXPECT_EQ(called, 1);
}

TEST_F(Libevent, ABaseThatIsFreedStopsWhatIsPending) {
  event* const timer = New();
  event_add(timer, &kLater);
  event_base_once(base_, -1, EV_TIMEOUT, &Nothing, nullptr, &kLater);
  EXPECT_EQ(Live(), 2);
  event_base_free(base_);
  base_ = event_base_new();
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1) << "the event is still there";
  event_assign(timer, base_, -1, 0, &Nothing, nullptr);  // for its new base, to free it with
  event_free(timer);
}

// Their base takes itself to be running from then on, so it can only be freed.
TEST_F(Libevent, CallbacksThatThrowHaveFired) {
  const auto throws = [](evutil_socket_t, short, void*) {
    throw std::runtime_error("of the callback");
  };
  event* const timer = New(throws);
  event_add(timer, &kSoon);
  EXPECT_THROW(Run(), std::runtime_error);
  event_free(timer);
  event_base_free(base_);
  base_ = event_base_new();
  event_base_once(base_, -1, EV_TIMEOUT, throws, nullptr, &kSoon);
  EXPECT_THROW(Run(), std::runtime_error);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Fired(), 2);
}

TEST_F(Libevent, AnEventInTheProgramsMemoryIsNeverIdle) {
  event timer;
  event_assign(&timer, base_, -1, 0, &Nothing, nullptr);
  event_add(&timer, &kSoon);
  EXPECT_EQ(Live(), 1);
  Run();
  EXPECT_EQ(Fired(), 1);
  event_add(&timer, &kLater);
  const int line = __LINE__ - 1;
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(line, "event_add"));
  event_del(&timer);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 0);
  event_assign(&timer, base_, -1, EV_PERSIST, &Nothing, nullptr);
  event_add(&timer, &kLater);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(line + 7, "event_add (EV_PERSIST)"));
  event_del(&timer);
}

// Its program has made a mistake: that loop must not run any more. The numbers stay right.
TEST_F(Libevent, OneThatIsPendingIsStoppedWhenItsMemoryIsUsedAgain) {
  event_base* broken = nullptr;
  event timer;
  {
    const afterleak::test::Lost lost;  // for it cannot be freed
    broken = event_base_new();
    event_assign(&timer, broken, -1, 0, &Nothing, nullptr);
    event_add(&timer, &kLater);
  }
  EXPECT_EQ(Live(), 1);
  event_assign(&timer, base_, -1, 0, &Nothing, nullptr);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Live(), 0);
}

TEST_F(Libevent, WhatItRefusesIsNotLive) {
  event* const waiting = event_new(base_, 9999, EV_READ, &Nothing, nullptr);
  event_set_log_callback([](int, const char*) {});
  EXPECT_EQ(event_add(waiting, &kLater), -1) << "no such descriptor";
  event_set_log_callback(nullptr);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Armed(), Stopped());
  EXPECT_EQ(event_base_once(base_, -1, EV_SIGNAL, &Nothing, nullptr, &kLater), -1);
  EXPECT_EQ(Live(), 0);
  event_free(waiting);
}

TEST_F(Libevent, ItsOwnTimersAreNotCounted) {
  bufferevent* pair[2];
  ASSERT_EQ(bufferevent_pair_new(base_, BEV_OPT_CLOSE_ON_FREE, pair), 0);
  bufferevent_set_timeouts(pair[0], &kLater, &kLater);
  bufferevent_enable(pair[0], EV_READ | EV_WRITE);
  EXPECT_EQ(Armed(), 0);
  EXPECT_EQ(Idle(), 0);
  for (bufferevent* const end : pair) bufferevent_free(end);
}

// Where a function ends with a call, an optimizing compiler makes a jump of it: what is called then
// returns to libevent. Here also where the tests are not optimized.
#ifdef __clang__
#define ENDS_WITH_A_JUMP
#else
#define ENDS_WITH_A_JUMP [[gnu::optimize("O2")]]
#endif
ENDS_WITH_A_JUMP void AddLater(evutil_socket_t, short, void* timer) {
  event_add(static_cast<event*>(timer), &kLater);
}

TEST_F(Libevent, WhatACallbackEndsWithIsTheProgramsOwn) {
  event* const timer = New(&AddLater);
  event_add(timer, &kSoon);
  EXPECT_EQ(Armed(), 1);
  event_base_loop(base_, EVLOOP_ONCE);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Live(), 1);
  event_free(timer);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Libevent, WhatACallbackEndsWithMayBeRefused) {
  event without_loop;
  event_assign(&without_loop, nullptr, -1, 0, &Nothing, nullptr);
  event* const timer = event_new(base_, -1, 0, &AddLater, &without_loop);
  event_active(timer, EV_TIMEOUT, 1);
  event_set_log_callback([](int, const char*) {});
  event_base_loop(base_, EVLOOP_NONBLOCK);
  event_set_log_callback(nullptr);
  EXPECT_EQ(Armed(), Stopped());
  EXPECT_EQ(Live(), 0);
  event_free(timer);
}

// The innermost frame of what armed it.
std::uintptr_t FrameOf(const event* timer) {
  auto& ledger = loops::internal::Ledger::Get();
  const auto key = reinterpret_cast<std::uintptr_t>(timer);
  return ledger.BornAt(*ledger.objects(loops::Library::kLibevent).Find(key)).frames.front();
}
bool IsIn(std::uintptr_t frame, event_callback_fn function) {
  return frame - reinterpret_cast<std::uintptr_t>(function) < 512;
}
[[gnu::noinline]] void AddAndLook(evutil_socket_t, short, void* timer) {
  event_add(static_cast<event*>(timer), &kLater);
  const std::uintptr_t frame = FrameOf(static_cast<event*>(timer));
  EXPECT_TRUE(IsIn(frame, AddAndLook));
  EXPECT_NE(frame, afterleak::internal::BeginningOf(reinterpret_cast<std::uintptr_t>(&AddAndLook)));
}

TEST_F(Libevent, WhatArmedIsTheInnermostFrame) {
  for (const event_callback_fn callback : {&AddAndLook, &AddLater}) {
    event timer;  // which is known by what armed it, and not by what made it
    event_assign(&timer, base_, -1, 0, callback, &timer);
    event_active(&timer, EV_TIMEOUT, 1);
    event_base_loop(base_, EVLOOP_NONBLOCK);
    EXPECT_EQ(Live(), 1);
    EXPECT_TRUE(IsIn(FrameOf(&timer), callback)) << "also if it jumped";
    event_del(&timer);
  }
}

TEST_F(Libevent, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 5000;
  std::vector<event*> timers;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(New());
    event_add(timers.back(), i % 2 == 0 ? &kSoon : &kLater);
  }
  EXPECT_EQ(Live(), kTimers);
  while (Fired() < kTimers / 2) event_base_loop(base_, EVLOOP_NONBLOCK);
  EXPECT_EQ(Live(), kTimers / 2);
  EXPECT_EQ(Idle(), kTimers / 2);
  for (event* const timer : timers) event_free(timer);
  EXPECT_EQ(Stopped(), kTimers / 2);
}

[[gnu::noinline]] int ArmSomething(event* timer) {
  return event_add(timer, &kLater) + 0 * event_pending(timer, EV_TIMEOUT, nullptr);
}
constexpr int kLine = __LINE__ - 2;

TEST_F(Libevent, TheSiteIsTheLineThatArmed) {
  event* const timer = New();
  EXPECT_EQ(ArmSomething(timer), 0);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "event_add"));
  event_free(timer);
}

TEST_F(Libevent, IsWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kLibevent));
}

TEST(LibeventOwn, ItsTimerfdIsNotCounted) {
  event_config* const config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  const std::int64_t before = loops::Totals(afterleak::Resource::kIdle).live;
  event_base* const base = event_base_new_with_config(config);
  EXPECT_EQ(loops::Totals(afterleak::Resource::kIdle).live, before);
  event_base_free(base);
  event_config_free(config);
}

}  // namespace
