#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"

namespace {

namespace loops = afterleak::loops;

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
  event_del(&timer);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 0);
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

}  // namespace
