// When everyone is blocked and time may move, when not yet, and what is said where it never may.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "afterleak/loops/loop_bubble.h"
#include "tests/support/loops/loop_bubble.h"

namespace {

using afterleak::Duration;
using afterleak::loops::LoopBubble;
using afterleak::loops::Stuck;
using afterleak::test::At;
using afterleak::test::Pipe;
using afterleak::test::WhyStuck;
using testing::EndsWith;
using testing::HasSubstr;
using testing::KilledBySignal;
using testing::MatchesRegex;
using namespace std::chrono_literals;

void SleepOutside(Duration span) {
  const LoopBubble::Outside outside;
  std::this_thread::sleep_for(span);
}

void Compute(Duration span) {
  const clock_t begun = clock();  // which is real
  while (std::chrono::microseconds(clock() - begun) < span) continue;
}

void ReadTheClock(int times) {
  for (int i = 0; i < times; ++i) std::chrono::steady_clock::now();
}

// ---- system calls that nobody stands in front of

// What a thread may wait for in the kernel, all of which End ends.
struct Waiting {
  Waiting() {
    mtx_init(&mutex, mtx_timed);
    mtx_lock(&mutex);
    until.tv_sec = time(nullptr) + 3600;
  }
  ~Waiting() { mtx_destroy(&mutex); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  void End() {
    pipe.Write();
    semctl(semaphores, 0, IPC_RMID);
    mtx_unlock(&mutex);
    if (thread != 0) pthread_kill(thread, SIGUSR1);
  }

  Pipe pipe{};
  const int semaphores = semget(IPC_PRIVATE, 1, 0600);
  mtx_t mutex{};
  timespec until{};  // in real time
  std::atomic<pthread_t> thread = 0;
};

constexpr long kHour = 3'600'000;  // in milliseconds
timespec hour = {.tv_sec = 3600, .tv_nsec = 0};

void Poll(Waiting& waiting, bool forever) {
  pollfd polled = waiting.pipe.ToPoll();
  syscall(SYS_poll, &polled, 1L, forever ? -1L : kHour, 0L, 0L, 0L);
}
void Ppoll(Waiting& waiting, bool forever) {
  pollfd polled = waiting.pipe.ToPoll();
  syscall(SYS_ppoll, &polled, 1L, forever ? nullptr : &hour, nullptr, 8L, 0L);
}
void Select(Waiting& waiting, bool forever) {
  timeval span = {.tv_sec = 3600, .tv_usec = 0};
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(waiting.pipe.ends[0], &reads);
  syscall(SYS_select, FD_SETSIZE + 0L, &reads, nullptr, nullptr, forever ? nullptr : &span, 0L);
}
void Pselect(Waiting& waiting, bool forever) {
  std::array<fd_set, 3> sets;
  for (fd_set& each : sets) FD_ZERO(&each);
  FD_SET(waiting.pipe.ends[0], &sets[0]);
  timespec span = hour;
  syscall(SYS_pselect6, FD_SETSIZE + 0L, &sets[0], &sets[1], &sets[2], forever ? nullptr : &span,
          nullptr);
}
void WaitInEpoll(Waiting& waiting, long number, bool forever) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {.events = EPOLLIN, .data = {}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, waiting.pipe.ends[0], &event);
  syscall(number, long{epoll}, &event, 1L, forever ? -1L : kHour, nullptr, 8L);
  close(epoll);
}
void EpollWait(Waiting& waiting, bool forever) { WaitInEpoll(waiting, SYS_epoll_wait, forever); }
void EpollPwait(Waiting& waiting, bool forever) { WaitInEpoll(waiting, SYS_epoll_pwait, forever); }
void Sigtimedwait(Waiting& waiting, bool forever) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  waiting.thread = pthread_self();
  syscall(SYS_rt_sigtimedwait, &awaited, nullptr, forever ? nullptr : &hour, 8L, 0L, 0L);
}
void Semtimedop(Waiting& waiting, bool forever) {
  sembuf taken = {.sem_num = 0, .sem_op = -1, .sem_flg = 0};
  syscall(SYS_semtimedop, long{waiting.semaphores}, &taken, 1L, forever ? nullptr : &hour, 0L, 0L);
}
void Futex(Waiting& waiting, bool forever) {
  if (forever)
    mtx_lock(&waiting.mutex);
  else
    mtx_timedlock(&waiting.mutex, &waiting.until);
  mtx_unlock(&waiting.mutex);
}

class ASystemCall
    : public testing::TestWithParam<std::pair<const char*, void (*)(Waiting&, bool)>> {
 protected:
  Waiting waiting_{};
};

TEST_P(ASystemCall, ThatEndsWhenRealTimeHasPassedIsNamedOnce) {
  LoopBubble bubble;
  bubble.Go([&] { GetParam().second(waiting_, false); }, [&] { waiting_.End(); });
  EXPECT_THAT(WhyStuck(bubble), HasSubstr(std::string(" waits in the system call ") +
                                          GetParam().first + ", which takes real time; wrap it"));
  EXPECT_EQ(At(bubble), 0s);
  EXPECT_EQ(WhyStuck(bubble), "not stuck") << "it has been said";
  EXPECT_EQ(At(bubble), 10s);
  bubble.Finish();
}

TEST_P(ASystemCall, WithoutAnEndIsAWaitAsAnyOther) {
  LoopBubble bubble;
  bubble.Go([&] { GetParam().second(waiting_, true); }, [&] { waiting_.End(); });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  EXPECT_EQ(At(bubble), 10s);
  bubble.Finish();
  EXPECT_EQ(At(bubble), 10s);
}

INSTANTIATE_TEST_SUITE_P(
    VirtualSettle, ASystemCall,
    testing::Values(std::pair("poll", &Poll), std::pair("ppoll", &Ppoll),
                    std::pair("select", &Select), std::pair("pselect6", &Pselect),
                    std::pair("epoll_wait", &EpollWait), std::pair("epoll_pwait", &EpollPwait),
                    std::pair("rt_sigtimedwait", &Sigtimedwait),
                    std::pair("semtimedop", &Semtimedop), std::pair("futex", &Futex)),
    [](const auto& of) { return of.param.first; });

TEST(VirtualSettle, ASystemCallOfAThreadThatWasLookedAtBeforeIsNamed) {
  Waiting waiting;
  Pipe begin;
  LoopBubble bubble;
  bubble.Go(
      [&] {
        EXPECT_TRUE(begin.Read());
        Poll(waiting, false);
      },
      [&] { waiting.End(); });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  begin.Write();
  EXPECT_THAT(WhyStuck(bubble), HasSubstr(" waits in the system call poll, "));
  bubble.Finish();
}

TEST(VirtualSettle, AThreadThatSleptBeforeTheBubbleMayWakeUpInIt) {
  std::atomic<bool> begun = false;
  std::thread sleeper([&] {
    begun = true;
    std::this_thread::sleep_for(40ms);
  });
  while (!begun) std::this_thread::yield();
  std::this_thread::sleep_for(5ms);
  {
    LoopBubble bubble;
    EXPECT_EQ(WhyStuck(bubble), "not stuck");
  }
  sleeper.join();
}

TEST(VirtualSettle, AChildProcessThatIsWaitedForDoesNotHoldTime) {
  Pipe end;
  const pid_t child = fork();
  if (child == 0) {
    close(end.ends[1]);
    char byte;
    _exit(read(end.ends[0], &byte, 1) == 1 ? 3 : 4);
  }
  std::atomic<int> ended = -1;
  LoopBubble bubble({.stuck_after = 500ms});
  bubble.Go([&] {
    int status = 0;
    waitpid(child, &status, 0);
    ended = WEXITSTATUS(status);
  });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  EXPECT_EQ(ended, -1);
  end.Write();
  while (ended < 0) std::this_thread::yield();
  EXPECT_EQ(ended, 3);
}

TEST(VirtualSettle, LookingAtThreadsLeavesNoDescriptorOpen) {
  const auto next_descriptor = [] {
    const int next = dup(STDERR_FILENO);
    close(next);
    return next;
  };
  Pipe pipe;
  LoopBubble bubble;
  bubble.Go([&] {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(pipe.Read());
  });
  bubble.Advance(1s);
  const int before = next_descriptor();
  for (int i = 0; i < 4; ++i) {
    pipe.Write();
    bubble.Advance(1s);
  }
  EXPECT_EQ(next_descriptor(), before);
  pipe.Write();
  bubble.Finish();
}

// ---- time that must not move yet

// The one that was notified waits for the mutex: it is not asleep in the condition variable.
template <bool kMutexFirst>
Duration WhenItHasTheMutex() {
  struct {
    std::mutex before{};
    std::condition_variable changed{};
    std::mutex after{};
  } shared;
  std::mutex& mutex = kMutexFirst ? shared.before : shared.after;
  bool notified = false;
  Duration had_it{};
  LoopBubble bubble;
  bubble.Go([&] {
    std::unique_lock lock(mutex);
    shared.changed.wait(lock, [&] { return notified; });
    had_it = At(bubble);
  });
  bubble.Advance(0s);
  bubble.Go([&] {
    {
      const std::lock_guard lock(mutex);
      notified = true;
      shared.changed.notify_one();
      std::this_thread::sleep_for(1s);
    }
    std::this_thread::sleep_for(1s);
  });
  bubble.AdvanceTo(10s);
  bubble.Finish();
  return had_it;
}
TEST(VirtualSettle, WhoIsNotifiedAndWaitsForTheMutexRunsBeforeTimeMoves) {
  EXPECT_EQ(WhenItHasTheMutex<true>(), 1s);
  EXPECT_EQ(WhenItHasTheMutex<false>(), 1s);
}

void Ignore(int) {}

// Also where it is sent by what nobody stands in front of.
TEST(VirtualSettle, WhomAnEventsSignalWakesRunsBeforeTimeMoves) {
  const auto handler = signal(SIGUSR1, [](int) { Compute(50ms); });
  std::atomic<pid_t> thread = 0;
  Duration woken{};
  LoopBubble bubble;
  bubble.Go([&] {
    thread = gettid();
    EXPECT_EQ(poll(nullptr, 0, 5000), -1);
    EXPECT_EQ(errno, EINTR);
    woken = At(bubble);
  });
  bubble.At(1s, [&] { tgkill(getpid(), thread, SIGUSR1); });
  bubble.AdvanceTo(10s);
  EXPECT_EQ(woken, 1s);
  bubble.Finish();
  signal(SIGUSR1, handler);
}

constexpr std::size_t kMuchStack = 4 << 20;
void* UseMuchStack(void*) {
  [[maybe_unused]] volatile char stack[kMuchStack];
  for (std::size_t at = 0; at < kMuchStack; at += 4096) stack[at] = 1;
  return nullptr;
}

// It takes the kernel a while to take back the stack of the one that ends.
TEST(VirtualSettle, WaitingForAThreadThatHasEndedTakesNoTime) {
  Duration joined{};
  LoopBubble bubble;
  bubble.Go([&] {
    pthread_attr_t much;
    pthread_attr_init(&much);
    pthread_attr_setstacksize(&much, 2 * kMuchStack);
    for (int i = 0; i < 30; ++i) {
      pthread_t thread;
      EXPECT_EQ(pthread_create(&thread, &much, &UseMuchStack, nullptr), 0);
      pthread_join(thread, nullptr);
    }
    pthread_attr_destroy(&much);
    joined = At(bubble);
  });
  bubble.Go([] { std::this_thread::sleep_for(1s); });
  bubble.AdvanceTo(10s);
  bubble.Finish();
  EXPECT_EQ(joined, 0s);
}

// ---- who is not waited for

TEST(VirtualSettle, AThreadOutsideThatComputesIsNotWaitedForNorNamed) {
  std::atomic<bool> over = false;
  LoopBubble bubble({.stuck_after = 300ms});
  std::thread peer;
  {
    const LoopBubble::Outside outside;
    peer = std::thread([&] {
      while (!over) continue;
    });
  }
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  Pipe never;
  pollfd polled = never.ToPoll();
  EXPECT_EQ(poll(&polled, 1, -1), -1);
  EXPECT_THAT(WhyStuck(bubble), EndsWith(" waits for what never comes:\n"));
  over = true;
  peer.join();
}

TEST(VirtualSettle, AnAnswerFromOutsideMayTakeLong) {
  Pipe pipe;
  LoopBubble bubble;
  std::thread peer([&] {
    SleepOutside(1200ms);
    pipe.Write();
  });
  pollfd polled = pipe.ToPoll();
  EXPECT_EQ(poll(&polled, 1, -1), 1);
  EXPECT_EQ(At(bubble), 0s);
  peer.join();
}

TEST(VirtualSettle, TimeThatIsHeldIsNotStuck) {
  std::atomic<bool> sent = false;
  Pipe pipe;
  LoopBubble bubble({.stuck_after = 300ms});
  bubble.Go([&] {
    const LoopBubble::Hold held;
    sent = true;
    pollfd polled = pipe.ToPoll();
    EXPECT_EQ(poll(&polled, 1, 5000), 1);
  });
  std::thread peer([&] {
    SleepOutside(700ms);
    pipe.Write();
  });
  while (!sent) std::this_thread::yield();
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  peer.join();
}

TEST(VirtualSettle, TimeIsHeldUntilTheLastLetsGo) {
  std::atomic<bool> held = false;
  Pipe pipe;
  LoopBubble bubble;
  bubble.Go([&] {
    const LoopBubble::Hold last;
    {
      const LoopBubble::Hold first;
    }
    held = true;
    EXPECT_EQ(pipe.Poll(5000), 1);
  });
  std::thread peer([&] {
    SleepOutside(100ms);
    pipe.Write();
  });
  while (!held) std::this_thread::yield();
  bubble.AdvanceTo(10s);
  peer.join();
}

// ---- what the thread that made the bubble gets from its waits

TEST(VirtualSettle, ASleepOfTheThreadThatMadeItSaysThatItIsOver) {
  LoopBubble bubble;
  const timespec second = {.tv_sec = 1, .tv_nsec = 0};
  EXPECT_EQ(nanosleep(&second, nullptr), 0);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, nullptr), 0);
  EXPECT_EQ(usleep(1'000'000), 0);
  EXPECT_EQ(sleep(1), 0u);
  EXPECT_EQ(At(bubble), 4s);
}

TEST(VirtualSettle, ASignalEndsAWaitOfTheThreadThatMadeIt) {
  const auto handler = signal(SIGUSR1, &Ignore);
  std::atomic<bool> over = false;
  LoopBubble bubble;
  std::thread sender([&over, to = pthread_self()] {
    const LoopBubble::Outside outside;
    while (!over) {  // what comes while it looks around ends nothing
      pthread_kill(to, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
  });
  Pipe never;
  pollfd polled = never.ToPoll();
  EXPECT_EQ(poll(&polled, 1, -1), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(WhyStuck(bubble, 1s), "not stuck") << "an Advance goes on";
  EXPECT_EQ(At(bubble), 1s);
  over = true;
  sender.join();
  signal(SIGUSR1, handler);
}

TEST(VirtualSettle, TimeDoesNotMoveToWhatIsMoreThanADayAway) {
  Pipe never;
  LoopBubble bubble;
  bubble.Go([] { std::this_thread::sleep_for(48h); });
  pollfd polled = never.ToPoll();
  EXPECT_EQ(poll(&polled, 1, -1), -1);
  EXPECT_EQ(At(bubble), 0s);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr(" waits for what has not come in a day:\n"));
  bubble.AdvanceTo(48h);
}

// ---- patience

TEST(VirtualSettle, ThreadsThatGetOnMayTakeLong) {
  LoopBubble bubble({.stuck_after = 500ms});
  bubble.Go([] {
    for (int i = 0; i < 80; ++i) {
      Compute(8ms);
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
}

TEST(VirtualSettle, AThreadThatGetsOnMayReadTheClockOften) {
  LoopBubble bubble;
  bubble.Go([&] {
    for (int i = 0; i < 40; ++i) {
      ReadTheClock(50'000);
      std::thread([] {}).join();
    }
    EXPECT_EQ(At(bubble), 0s);
  });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
}

// A look at who polls the clock is taken in each 2^20th read, and ten million are too many.
constexpr int kLook = 1 << 20;

TEST(VirtualSettle, TheThreadThatMadeItMayReadTheClockForAWhile) {
  for (int i = 0; i < 2; ++i) {
    const LoopBubble bubble({.stuck_after = 1min});
    ReadTheClock(11 * kLook);
  }
  const LoopBubble bubble({.stuck_after = 1ns});
  ReadTheClock(5 * kLook);
}

TEST(VirtualSettle, TheThreadThatMadeItMayReadTheClockAsLongAsItGetsOn) {
  LoopBubble bubble({.stuck_after = 300ms});
  for (int i = 0; i < 24; ++i) {
    ReadTheClock(kLook / 2);
    std::thread([] {}).join();
  }
  EXPECT_EQ(At(bubble), 0s);
}

TEST(VirtualSettle, OtherThreadsMayReadTheClockWhileTheOneThatMadeItWorks) {
  std::atomic<bool> over = false;
  LoopBubble bubble({.stuck_after = 300ms});
  bubble.Go([&] {
    ReadTheClock(14 * kLook);
    over = true;
  });
  while (!over) std::this_thread::yield();
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
}

// ---- what is said of threads

// A thread that computes, having read the clock so often, with two others that wait.
std::string WhatIsSaidAfter(int reads) {
  std::atomic<bool> ready = false;
  std::atomic<bool> stop = false;
  Pipe pipe;
  LoopBubble bubble({.stuck_after = 100ms});
  bubble.Go([] { poll(nullptr, 0, 3'600'000); });
  bubble.Go(
      [&] {
        pollfd polled = pipe.ToPoll();
        poll(&polled, 1, -1);
      },
      [&] { pipe.Write(); });
  bubble.Advance(0s);
  bubble.Go(
      [&] {
        ReadTheClock(reads);
        ready = true;
        while (!stop) continue;
      },
      [&] { stop = true; });
  while (!ready) std::this_thread::yield();
  return WhyStuck(bubble);
}
TEST(VirtualSettle, EachThreadIsALineWithWhatItDoes) {
  EXPECT_THAT(WhatIsSaidAfter(123'456),
              MatchesRegex("not settled at 0s after [^:]*: "
                           "thread [0-9]+ \\([0-9]+\\) runs: 123,456 clock reads [a-z ]*\n"
                           "thread [0-9]+ \\([0-9]+\\) waits in poll\n"
                           "thread [0-9]+ \\([0-9]+\\) waits in poll until 1h0m0s"));
  EXPECT_THAT(WhatIsSaidAfter(1'234'567), HasSubstr(" runs: 1,234,567 clock reads "));
}

// ---- nobody can be told

// The deadline comes while another thread has the mutex, and sleeps.
TEST(VirtualSettle, AConditionsDeadlineMayComeWhileItsMutexIsHeld) {
  std::mutex mutex;
  std::condition_variable never;
  Duration had_it{};
  LoopBubble bubble({.stuck_after = 300ms});
  bubble.Go([&] {
    std::unique_lock lock(mutex);
    EXPECT_EQ(never.wait_for(lock, 3s), std::cv_status::timeout);
    had_it = At(bubble);
  });
  bubble.Advance(1s);
  bubble.Go([&] {
    const std::lock_guard lock(mutex);
    std::this_thread::sleep_for(4s);
  });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  EXPECT_EQ(had_it, 5s);
}

// The answer comes from another process, in a read that nobody stands in front of.
TEST(VirtualSettle, PatienceBeginsAnewWhenTimeIsNoLongerHeld) {
  Pipe pipe;
  const pid_t peer = fork();
  if (peer == 0) {
    usleep(700'000);
    pipe.Write();
    _exit(0);
  }
  LoopBubble bubble({.stuck_after = 300ms});
  bubble.Go([&] {
    {
      const LoopBubble::Hold held;
      EXPECT_TRUE(pipe.Read());
    }
    Compute(20ms);
  });
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  waitpid(peer, nullptr, 0);
}

class VirtualSettleDeathTest : public testing::Test {
 protected:
  VirtualSettleDeathTest() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

void WaitForACondition() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait(lock, [] { return false; });
}

TEST_F(VirtualSettleDeathTest, ADeadlockOfTheTestItselfIsAborted) {
  EXPECT_EXIT(
      {
        LoopBubble bubble({.stuck_after = 100ms});
        WaitForACondition();
      },
      KilledBySignal(SIGABRT), "waits for what never comes:\n(.*\n)*.*cannot be told: abort");
}

TEST_F(VirtualSettleDeathTest, AWaitForWhatIsMoreThanADayAwayIsAborted) {
  EXPECT_EXIT(
      {
        LoopBubble bubble;
        bubble.Go([] { std::this_thread::sleep_for(48h); });
        WaitForACondition();
      },
      KilledBySignal(SIGABRT), "has not come in a day:\n(.*\n)*.*cannot be told: abort");
}

TEST_F(VirtualSettleDeathTest, WhoWaitsAgainAndAgainThoughItWasToldIsAborted) {
  EXPECT_EXIT(
      {
        const Pipe never;
        LoopBubble bubble({.stuck_after = 100ms});
        pollfd polled = never.ToPoll();
        while (poll(&polled, 1, -1) < 0) continue;
      },
      KilledBySignal(SIGABRT), "waits for what never comes:\n(.*\n)*.*cannot be told: abort");
}

TEST_F(VirtualSettleDeathTest, PollingTheClockIsAbortedAfterTenMillionReads) {
  EXPECT_EXIT(
      {
        LoopBubble bubble({.stuck_after = 1ms});
        std::this_thread::sleep_for(1s);
        for (;;) std::chrono::steady_clock::now();
      },
      KilledBySignal(SIGABRT),
      " polls the clock: 1[0-9],[0-9]+,[0-9]+ reads since time last moved");
}

// ---- times

TEST(VirtualTime, ClocksOfTheProcessorsTimeAreReal) {
  LoopBubble bubble;
  bubble.AdvanceTo(1h);
  for (const clockid_t clock : {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID}) {
    timespec worked;
    EXPECT_EQ(clock_gettime(clock, &worked), 0);
    EXPECT_LT(worked.tv_sec, 3600);
  }
}

TEST(VirtualTime, WhatIsNoTimeIsRefusedByTheKernel) {
  LoopBubble bubble;
  for (const timespec wrong :
       {timespec{.tv_sec = -1, .tv_nsec = 0}, timespec{.tv_sec = 0, .tv_nsec = -1},
        timespec{.tv_sec = 0, .tv_nsec = 1'000'000'000}}) {
    EXPECT_EQ(nanosleep(&wrong, nullptr), -1);
    EXPECT_EQ(errno, EINVAL);
  }
  EXPECT_EQ(At(bubble), 0s);
}

TEST(VirtualTime, WhatIsFarAwayDoesNotCome) {
  bool over = false;
  std::mutex mutex;
  std::condition_variable changed;
  LoopBubble bubble;
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec centuries = {.it_interval = {},
                                .it_value = {.tv_sec = 9'223'372'036, .tv_nsec = 999'999'999}};
  EXPECT_EQ(timerfd_settime(timer, 0, &centuries, nullptr), 0);
  bubble.Go(
      [&] {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 20 * 365 * 24h, [&] { return over; }));
      },
      [&] {
        const std::lock_guard lock(mutex);
        over = true;
        changed.notify_one();
      });
  bubble.AdvanceTo(1h);
  pollfd polled = {.fd = timer, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 0), 0);
  bubble.Finish();
  EXPECT_EQ(At(bubble), 1h);
  close(timer);
}

}  // namespace
