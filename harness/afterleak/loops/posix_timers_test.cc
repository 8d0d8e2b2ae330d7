#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/ledger.h"
#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"
#include "tests/support/signal_storm.h"

namespace {

namespace loops = afterleak::loops;
using namespace std::chrono_literals;
using afterleak::SiteReport;
using afterleak::test::ReportOf;
using testing::AllOf;
using testing::Contains;
using testing::Field;

constexpr itimerspec kSoon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1'000'000}};
constexpr itimerspec kLater{.it_interval = {}, .it_value = {.tv_sec = 1000, .tv_nsec = 0}};
constexpr itimerspec kEveryHour{.it_interval = {.tv_sec = 3600, .tv_nsec = 0},
                                .it_value = {.tv_sec = 0, .tv_nsec = 1}};
constexpr itimerspec kOff{};

class PosixTimers : public afterleak::test::LoopCensus {
 protected:
  static timer_t Create(int notify = SIGEV_NONE) {
    sigevent event{};
    event.sigev_notify = notify;
    event.sigev_signo = SIGUSR1;
    event.sigev_notify_function = [](sigval) { ++called; };
    timer_t timer;
    EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    return timer;
  }
  static void Set(timer_t timer, const itimerspec& value) {
    EXPECT_EQ(timer_settime(timer, 0, &value, nullptr), 0);
  }

  static inline std::atomic<int> called = 0;
};

TEST_F(PosixTimers, ItIsIdleLiveIdleGone) {
  timer_t const timer = Create();
  EXPECT_EQ(Idle(), 1) << "created, and not deleted";
  Set(timer, kLater);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Live(), 1);
  Set(timer, kOff);
  Set(timer, kOff);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 1);
  timer_delete(timer);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(PosixTimers, OneThatStartsAThreadFires) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer crashes in every SIGEV_THREAD callback";
#endif
  called = 0;
  timer_t const timer = Create(SIGEV_THREAD);
  Set(timer, kSoon);
  while (called == 0) std::this_thread::yield();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  timer_delete(timer);
}

TEST_F(PosixTimers, OneThatSendsASignalFires) {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  timer_t const timer = Create(SIGEV_SIGNAL);
  for (int i = 0; i < 3; ++i) {
    Set(timer, kSoon);
    EXPECT_EQ(sigwaitinfo(&signals, nullptr), SIGUSR1);
  }
  EXPECT_EQ(Fired(), 3);
  Set(timer, kSoon);
  while (Live() == 1) std::this_thread::yield();
  EXPECT_EQ(Fired(), 4) << "though its signal waits";
  EXPECT_EQ(sigwaitinfo(&signals, nullptr), SIGUSR1);
  timer_delete(timer);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(PosixTimers, ToSetAgainStopsAndArms) {
  timer_t const timer = Create();
  for (int i = 0; i < 3; ++i) Set(timer, kLater);
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Stopped(), 2);
  timer_delete(timer);
  EXPECT_EQ(Stopped(), 3) << "deleted while it was live";
}

TEST_F(PosixTimers, APeriodicOneStaysLive) {
  timer_t const timer = Create();
  Set(timer, kEveryHour);
  itimerspec left;
  do timer_gettime(timer, &left);
  while (left.it_value.tv_sec == 0);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_THAT(loops::Report().sites,
              Contains(AllOf(Field(&SiteReport::live, 1),
                             Field(&SiteReport::kind, "timer_settime (interval)"))));
  timer_delete(timer);
}

TEST_F(PosixTimers, OneThatFiredBeforeItIsDeletedHasFired) {
  timer_t const timer = Create();
  Set(timer, kSoon);
  itimerspec left;
  do timer_gettime(timer, &left);
  while (left.it_value.tv_nsec != 0);
  timer_delete(timer);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 0);
}

// Of the time that the processor works for us, which is much less.
TEST_F(PosixTimers, OneThatHasLessThanASecondLeftIsLive) {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  timer_t timer;
  ASSERT_EQ(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), 0);
  Set(timer, {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 999'999'999}});
  EXPECT_EQ(Live(), 1);
  timer_delete(timer);
}

TEST_F(PosixTimers, AnAbsoluteTimeIsSomeTimeFromNow) {
  timer_t const timer = Create();
  const int line = __LINE__ + 1;
  timer_settime(timer, 0, &kLater, nullptr);
  itimerspec until = kLater;
  clock_gettime(CLOCK_MONOTONIC, &until.it_value);
  until.it_value.tv_sec += 1000;
  timer_settime(timer, 0, &kOff, nullptr);
  timer_settime(timer, TIMER_ABSTIME, &until, nullptr);
  timer_delete(timer);
  EXPECT_EQ(ReportOf(line).longest_timeout, 1000s);
  EXPECT_LE(ReportOf(line + 5).longest_timeout, 1000s);
  EXPECT_GT(ReportOf(line + 5).longest_timeout, 0s);
}

TEST_F(PosixTimers, AnAbsoluteTimeThatIsPastHasFired) {
  timer_t const timer = Create();
  constexpr itimerspec kPast{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
  EXPECT_EQ(timer_settime(timer, TIMER_ABSTIME, &kPast, nullptr), 0);
  EXPECT_EQ(Fired(), 1);
  timer_delete(timer);
}

TEST_F(PosixTimers, WhatTheKernelRefusesIsNotArmed) {
  timer_t timer = nullptr;
  EXPECT_EQ(timer_create(12345, nullptr, &timer), -1);
  timer = Create();
  constexpr itimerspec kWrong{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = -1}};
  EXPECT_EQ(timer_settime(timer, 0, &kWrong, nullptr), -1);
  EXPECT_EQ(Armed(), 0);
  timer_delete(timer);
}

TEST_F(PosixTimers, AChildOfForkHasNone) {
  timer_t const timer = Create();
  Set(timer, kLater);
  const pid_t child = fork();
  if (child == 0) _exit(loops::Totals().live == 0 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Live(), 1);
  timer_delete(timer);
}

// The kernel counts them from the beginning there.
TEST_F(PosixTimers, AChildOfForkHasAnotherOfTheSameNumber) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer does not see that a child of fork has a new lock";
#endif
  timer_t const timer = Create();
  Set(timer, kLater);
  const pid_t child = fork();
  if (child == 0) {
    timer_t own = Create();
    for (int i = 0; i < 100'000 && own != timer; ++i) {
      timer_delete(own);
      own = Create();
    }
    _exit(own != timer || (Stopped() == 1 && Fired() == 0) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  timer_delete(timer);
}

TEST_F(PosixTimers, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 1000;
  std::vector<timer_t> timers;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(Create());
    Set(timers.back(), i % 2 == 0 ? kSoon : kLater);
  }
  while (Fired() < kTimers / 2) std::this_thread::yield();
  EXPECT_EQ(Live(), kTimers / 2);
  EXPECT_EQ(Idle(), kTimers / 2);
  EXPECT_EQ(loops::internal::Unrecorded(), 0);
  for (timer_t const timer : timers) timer_delete(timer);
  EXPECT_EQ(Stopped(), kTimers / 2);
}

// timer_settime may be called in a signal handler, also while this thread is armed already.
TEST_F(PosixTimers, SignalHandlersMayArmAtAnyTime) {
  static timer_t handlers;
  handlers = Create();
  timer_t const timer = Create();
  {
    const afterleak::test::SignalStorm storm([] { timer_settime(handlers, 0, &kLater, nullptr); });
    for (int i = 0; i < 2000; ++i) Set(timer, kLater);
  }
  EXPECT_GE(Armed(), 2000);
  timer_delete(timer);
  timer_delete(handlers);
}

// So it is in a signal handler that interrupts a change: to wait for its end would be forever.
TEST_F(PosixTimers, NothingIsRecordedOrWaitedForWhileTheLedgerIsInHand) {
  timer_t const timers[] = {Create(), Create()};
  Set(timers[0], kLater);
  {
    const loops::internal::OwnCall in_hand;
    const std::lock_guard lock(loops::internal::Ledger::Get().mutex());
    Set(timers[1], kLater);
    timer_delete(Create());
    timer_delete(timers[0]);
  }
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Live(), 0) << "the kernel says that it is gone";
  timer_delete(timers[1]);
}

[[gnu::noinline]] int ArmSomething(timer_t timer) {
  const int error = timer_settime(timer, 0, &kLater, nullptr);
  return error == 0 ? 1 : error;
}
constexpr int kLine = __LINE__ - 3;

TEST_F(PosixTimers, TheSiteIsTheLineThatArmed) {
  timer_t const timer = Create();
  EXPECT_EQ(ArmSomething(timer), 1);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "timer_settime"));
  timer_delete(timer);
}

TEST_F(PosixTimers, AreWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kPosixTimers));
}

}  // namespace
