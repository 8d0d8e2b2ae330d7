#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
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

class Timerfd : public afterleak::test::LoopCensus {
 protected:
  static int Create() { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }
  static void Set(int timer, const itimerspec& value) {
    EXPECT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
  }
  static void Wait(int timer) {
    pollfd waits{.fd = timer, .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waits, 1, -1), 1);
  }
};

// The first of the process.
TEST_F(Timerfd, WhatIsNoTimerEndsNone) {
  const int timer = Create();
  Set(timer, kLater);
  const int other = Create();
  close(other);
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(file, other) << "the least that is free";
  close(file);
  EXPECT_EQ(close(-1), -1);
  EXPECT_EQ(Live(), 1);
  close(timer);
}

TEST_F(Timerfd, ItIsIdleLiveIdleGone) {
  const int timer = Create();
  EXPECT_EQ(Idle(), 1) << "created, and not closed";
  Set(timer, kLater);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Live(), 1);
  Set(timer, kOff);
  Set(timer, kOff);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 1);
  close(timer);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(Timerfd, OneThatExpiredIsNotLiveReadOrNot) {
  const int timer = Create();
  Set(timer, kSoon);
  Wait(timer);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Fired(), 1) << "and nobody has read it";
  EXPECT_EQ(Idle(), 1);
  close(timer);
}

TEST_F(Timerfd, WhatExpiredBeforeItIsSetAgainOrClosedHasFired) {
  const int timer = Create();
  for (int i = 0; i < 3; ++i) {
    Set(timer, kSoon);
    Wait(timer);
  }
  close(timer);
  EXPECT_EQ(Fired(), 3);
  EXPECT_EQ(Stopped(), 0);
}

TEST_F(Timerfd, ToSetAgainStopsAndArms) {
  const int timer = Create();
  for (int i = 0; i < 3; ++i) Set(timer, kLater);
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Stopped(), 2);
  close(timer);
  EXPECT_EQ(Stopped(), 3) << "closed while it was live";
}

TEST_F(Timerfd, APeriodicOneStaysLive) {
  const int timer = Create();
  Set(timer, kEveryHour);
  Wait(timer);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_THAT(loops::Report().sites,
              Contains(AllOf(Field(&SiteReport::live, 1),
                             Field(&SiteReport::kind, "timerfd_settime (interval)"))));
  close(timer);
}

TEST_F(Timerfd, WhatExpiredIsKnownToWhoeverAsks) {
  const int timer = Create();
  const auto expire_at_a_line_of_its_own = [&](int) {
    Set(timer, kSoon);
    Wait(timer);
  };
  expire_at_a_line_of_its_own(__LINE__);
  for (const SiteReport& site : loops::Report().sites) EXPECT_EQ(site.live, 0);
  expire_at_a_line_of_its_own(__LINE__);
  for (const afterleak::Holding& holding : loops::Alive().holdings)
    EXPECT_TRUE(holding.count == 0 || holding.kind == "timerfd_create") << holding.kind;
  expire_at_a_line_of_its_own(__LINE__);
  loops::NextWindow();
  for (const SiteReport& site : loops::Report().sites) EXPECT_EQ(site.window_peak_live, 0);
  close(timer);
}

TEST_F(Timerfd, AnAbsoluteTimeIsSomeTimeFromNow) {
  const int timer = Create();
  const int line = __LINE__ + 1;
  timerfd_settime(timer, 0, &kLater, nullptr);
  itimerspec until = kLater;
  clock_gettime(CLOCK_MONOTONIC, &until.it_value);
  until.it_value.tv_sec += 1000;
  timerfd_settime(timer, 0, &kOff, nullptr);
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &until, nullptr);
  close(timer);
  EXPECT_EQ(ReportOf(line).longest_timeout, 1000s);
  EXPECT_LE(ReportOf(line + 5).longest_timeout, 1000s);
  EXPECT_GT(ReportOf(line + 5).longest_timeout, 0s);
}

TEST_F(Timerfd, AnAbsoluteTimeThatIsPastHasFired) {
  const int timer = Create();
  constexpr itimerspec kPast{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
  EXPECT_EQ(timerfd_settime(timer, TFD_TIMER_ABSTIME, &kPast, nullptr), 0);
  EXPECT_EQ(Fired(), 1);
  close(timer);
}

TEST_F(Timerfd, ItIsClosedWithItsLastDescriptor) {
  const int timer = Create();
  Set(timer, kLater);
  const int copy = dup(timer);
  close(timer);
  EXPECT_EQ(Live(), 1);
  Set(copy, kLater);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  close(copy);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Stopped(), 2);
}

TEST_F(Timerfd, ADescriptorThatIsReplacedIsClosed) {
  const int timers[] = {Create(), Create()};
  for (const int timer : timers) Set(timer, kLater);
  EXPECT_EQ(dup2(timers[0], timers[0]), timers[0]);
  EXPECT_EQ(dup2(-1, timers[0]), -1);
  EXPECT_EQ(Live(), 2);
  EXPECT_EQ(dup2(timers[0], timers[1]), timers[1]);
  EXPECT_EQ(Live(), 1);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(dup3(null, timers[0], O_CLOEXEC), timers[0]);
  EXPECT_EQ(Live(), 1) << "the other one is left";
  close(timers[1]);
  EXPECT_EQ(Live(), 0);
  close(timers[0]);
  close(null);
}

TEST_F(Timerfd, OneThatIsReplacedByOneThatStaysOpenAcrossExecIsClosed) {
  for (int (*const replace)(int, int) : {+[](int from, int to) { return dup2(from, to); },
                                         +[](int from, int to) { return dup3(from, to, 0); }}) {
    const int timers[] = {timerfd_create(CLOCK_MONOTONIC, 0), Create()};
    for (const int timer : timers) Set(timer, kLater);
    EXPECT_EQ(Live(), 2);
    EXPECT_EQ(replace(timers[0], timers[1]), timers[1]);
    EXPECT_EQ(Live(), 1);
    for (const int timer : timers) close(timer);
  }
}

TEST_F(Timerfd, ACopyThatIsRefusedChangesNothing) {
  const int timer = Create();
  EXPECT_EQ(dup3(timer, timer, O_CLOEXEC), -1);
  EXPECT_EQ(dup2(timer, -1), -1);
  EXPECT_EQ(dup3(timer, -1, 0), -1);
  Set(timer, kLater);
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Live(), 1);
  close(timer);
}

TEST_F(Timerfd, ACopyMadeWithDup3IsOne) {
  const int timer = Create();
  Set(timer, kLater);
  const int copy = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(dup3(timer, copy, O_CLOEXEC), copy);
  close(timer);
  EXPECT_EQ(Live(), 1);
  close(copy);
  EXPECT_EQ(Live(), 0);
}

TEST_F(Timerfd, Descriptor0IsOne) {
  const int input = fcntl(0, F_DUPFD_CLOEXEC, 3);
  close(0);
  const int timer = Create();
  EXPECT_EQ(timer, 0);
  Set(timer, kLater);
  EXPECT_EQ(Live(), 1);
  int copy = dup(timer);
  close(timer);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(dup(copy), 0);
  close(copy);
  EXPECT_EQ(Live(), 1) << "0 is left";
  close(0);
  EXPECT_EQ(Live(), 0);
  if (input >= 0) {
    dup2(input, 0);
    close(input);
  }
}

TEST_F(Timerfd, OneThatWasClosedUnseenIsGoneWhenItsDescriptorIsUsedAgain) {
  const int closed = Create();
  Set(closed, kLater);
  ASSERT_EQ(close_range(static_cast<unsigned>(closed), static_cast<unsigned>(closed), 0), 0);
  const int timer = Create();
  EXPECT_EQ(timer, closed) << "the least that is free";
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Idle(), 1);
  close(timer);
}

TEST_F(Timerfd, WhatTheKernelRefusesIsNotArmed) {
  EXPECT_EQ(timerfd_create(12345, 0), -1);
  const int timer = Create();
  constexpr itimerspec kWrong{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = -1}};
  errno = 0;
  EXPECT_EQ(timerfd_settime(timer, 0, &kWrong, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(timerfd_settime(timer, 0, nullptr, nullptr), -1);
  EXPECT_EQ(timerfd_settime(-1, 0, &kLater, nullptr), -1);
  EXPECT_EQ(close(-1), -1);
  EXPECT_EQ(Armed(), 0);
  close(timer);
}

TEST_F(Timerfd, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 300;  // an ordinary limit of descriptors is 1024
  for (int round = 0; round < 10; ++round) {
    std::vector<int> timers;
    for (int i = 0; i < kTimers; ++i) {
      timers.push_back(Create());
      Set(timers.back(), kLater);
    }
    EXPECT_EQ(Live(), kTimers);
    for (const int timer : timers) close(timer);
  }
  EXPECT_EQ(Stopped(), 10 * kTimers);
}

TEST_F(Timerfd, SignalHandlersMayCloseAtAnyTime) {
  {
    const afterleak::test::SignalStorm storm([] {
      close(open("/dev/null", O_RDONLY | O_CLOEXEC));
      close(-1);
    });
    for (int i = 0; i < 2000; ++i) {
      const int timer = Create();
      Set(timer, kLater);
      close(timer);
    }
  }
  EXPECT_EQ(Armed(), 2000);
}

TEST_F(Timerfd, AChildOfForkMayCloseWhileAnotherThreadArms) {
  std::atomic<bool> over = false;
  std::thread arms([&] {
    const int timer = Create();
    while (!over) Set(timer, kLater);
    close(timer);
  });
  for (int i = 0; i < 50; ++i) {
    const int timer = Create();
    Set(timer, kLater);
    const pid_t child = fork();
    if (child == 0) {
      close(timer);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    close(timer);
  }
  over = true;
  arms.join();
}

// So it is in a signal handler that interrupts a change: to wait for its end would be forever.
TEST_F(Timerfd, NothingIsRecordedOrWaitedForWhileTheLedgerIsInHand) {
  const int timer = Create();
  {
    const loops::internal::OwnCall in_hand;
    const std::lock_guard lock(loops::internal::Ledger::Get().mutex());
    Set(timer, kLater);
    close(dup(timer));
    close(Create());
  }
  EXPECT_EQ(Armed(), 0);
  EXPECT_EQ(Idle(), 1);
  close(timer);
}

[[gnu::noinline]] int ArmSomething(int timer) {
  const int error = timerfd_settime(timer, 0, &kLater, nullptr);
  return error == 0 ? timer : error;
}
constexpr int kLine = __LINE__ - 3;

TEST_F(Timerfd, TheSiteIsTheLineThatArmed) {
  const int timer = Create();
  EXPECT_EQ(ArmSomething(timer), timer);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "timerfd_settime"));
  close(timer);
}

TEST_F(Timerfd, IsWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kTimerfd));
}

}  // namespace
