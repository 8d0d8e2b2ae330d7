// What is not in virtual time, and what cannot be: each says so in one line, and nothing hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "afterleak/loops/loop_bubble.h"
#include "tests/support/loops/loop_bubble.h"

namespace {

using afterleak::Duration;
using afterleak::Time;
using afterleak::loops::LoopBubble;
using afterleak::loops::Stuck;
using afterleak::test::WhyStuck;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

TEST(LoopBubbleLimits, PollingTheClockIsFound) {
  std::atomic<bool> stop = false;
  LoopBubble bubble;
  bubble.Go(
      [&] {
        const auto end = std::chrono::steady_clock::now() + 3s;
        while (!stop && std::chrono::steady_clock::now() < end) {
        }
      },
      [&] { stop = true; });
  EXPECT_THAT(WhyStuck(bubble), AllOf(HasSubstr("not settled at 0s after "), HasSubstr(" runs: "),
                                      HasSubstr(" clock reads since time last moved")));
}

TEST(LoopBubbleLimits, WhatComputesTooLongIsFound) {
  std::atomic<bool> stop = false;
  LoopBubble bubble({.stuck_after = 100ms});
  bubble.Go(
      [&] {
        while (!stop) {
        }
      },
      [&] { stop = true; });
  EXPECT_THAT(WhyStuck(bubble), HasSubstr(" runs: 0 clock reads since time last moved"));
}

TEST(LoopBubbleLimits, ASystemCallThatSleepsIsNamed) {
  LoopBubble bubble;
  bubble.Go([] {
    const timespec span = {.tv_sec = 0, .tv_nsec = 300'000'000};
    syscall(SYS_nanosleep, &span, nullptr);
  });
  EXPECT_THAT(WhyStuck(bubble),
              MatchesRegex("thread [0-9]+ waits in the system call .*nanosleep, which takes real "
                           "time; wrap it in Outside, or .*"));
}

TEST(LoopBubbleLimits, ASemaphoresDeadlineIsRefused) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  LoopBubble bubble;
  const timespec until = {.tv_sec = time(nullptr) + 3, .tv_nsec = 0};
  EXPECT_EQ(sem_timedwait(&semaphore, &until), 0) << "it need not wait";
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  EXPECT_EQ(sem_timedwait(&semaphore, &until), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("sem_timedwait in virtual time: "));
  sem_destroy(&semaphore);
}

TEST(LoopBubbleLimits, AMutexsDeadlineIsRefused) {
  std::timed_mutex mutex;
  LoopBubble bubble;
  EXPECT_TRUE(mutex.try_lock_for(1s)) << "it need not wait";
  EXPECT_EQ(WhyStuck(bubble), "not stuck");
  bubble.Go([&] { EXPECT_FALSE(mutex.try_lock_for(1s)); });
  EXPECT_THAT(WhyStuck(bubble),
              MatchesRegex("pthread_mutex_(timed|clock)lock in virtual time: .*"));
  bubble.Finish();
  mutex.unlock();
}

TEST(LoopBubbleLimits, TheKernelsOtherTimersAreRefused) {
  LoopBubble bubble;
  const itimerval tick = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_usec = 0}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &tick, nullptr), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("setitimer in virtual time: use the loop's timers"));
  alarm(3);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("alarm in virtual time: "));
  timer_t timer;
  sigevent none{};
  none.sigev_notify = SIGEV_NONE;
  ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &none, &timer), 0);
  const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
  EXPECT_EQ(timer_settime(timer, 0, &value, nullptr), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("timer_settime in virtual time: "));
  timer_delete(timer);
}

TEST(LoopBubbleLimits, ASocketsTimeoutIsRefused) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  LoopBubble bubble;
  const timeval span = {.tv_sec = 3, .tv_usec = 0};
  EXPECT_EQ(setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("SO_RCVTIMEO in virtual time: "));
  close(made);
}

TEST(LoopBubbleLimits, AMessageQueuesDeadlineIsRefused) {
  LoopBubble bubble;
  char message[8192];
  const timespec until = {.tv_sec = time(nullptr) + 3, .tv_nsec = 0};
  EXPECT_EQ(mq_timedreceive(-1, message, sizeof message, nullptr, &until), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("mq_timedreceive in virtual time: "));
}

TEST(LoopBubbleLimits, ATimerfdOfBeforeIsRefused) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  LoopBubble bubble;
  const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
  timerfd_settime(timer, 0, &value, nullptr);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("made before the bubble"));
  close(timer);
}

TEST(LoopBubbleLimits, ATimerfdOfABubbleThatHasEndedIsRefused) {
  const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
  int timer = -1;
  {
    LoopBubble bubble;
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    ASSERT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
  }
  itimerspec left = value;
  EXPECT_EQ(timerfd_gettime(timer, &left), 0);
  EXPECT_EQ(left.it_value.tv_sec, 0) << "it will not fire";
  testing::internal::CaptureStderr();
  EXPECT_EQ(timerfd_settime(timer, 0, &value, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      HasSubstr("timerfd_settime in virtual time: this descriptor was made in a bubble that "
                "has ended; make another"));
  LoopBubble another;
  EXPECT_EQ(timerfd_settime(timer, 0, &value, nullptr), -1);
  EXPECT_THAT(WhyStuck(another), HasSubstr("made in a bubble that has ended"));
  close(timer);
}

TEST(LoopBubbleLimits, AnEventMustNotWait) {
  LoopBubble bubble;
  bubble.At(1s, [] { std::this_thread::sleep_for(1s); });
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("nanosleep in an event"));
}

TEST(LoopBubbleLimits, AWaitThatNothingEndsIsNotAHang) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  LoopBubble bubble({.stuck_after = 100ms});
  pollfd polled = {.fd = ends[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, -1), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("waits for what never comes:"));
  std::atomic<bool> stop = false;
  bubble.Go(
      [&] {
        while (!stop) std::this_thread::sleep_for(1h);
      },
      [&] { stop = true; });
  EXPECT_EQ(poll(&polled, 1, -1), -1);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("waits for what has not come in a day:"));
  bubble.Finish();
  close(ends[0]);
  close(ends[1]);
}

TEST(LoopBubbleLimitsDeathTest, ADeadlockOfTheTestItselfEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        std::mutex mutex;
        std::condition_variable never;
        LoopBubble bubble({.stuck_after = 100ms});
        std::unique_lock lock(mutex);
        never.wait(lock, [] { return false; });
      },
      "waits for what never comes:\nthread [0-9]+ .* waits in pthread_cond_wait");
}

// For this one, too, there is nobody who could be told.
TEST(LoopBubbleLimitsDeathTest, PollingTheClockInTheTestItselfEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        LoopBubble bubble({.stuck_after = 100ms});
        const auto end = std::chrono::steady_clock::now() + 3s;
        while (std::chrono::steady_clock::now() < end) {
        }
      },
      "thread [0-9]+ made the bubble and polls the clock: [0-9,]+ reads since time last moved");
}

TEST(LoopBubbleLimits, AReadThatNothingEndsIsNotAHang) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  LoopBubble bubble({.stuck_after = 100ms});
  char byte;
  EXPECT_EQ(read(ends[0], &byte, 1), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_THAT(WhyStuck(bubble), HasSubstr("waits for what never comes:"));
  for (const int each : ends) close(each);
}

TEST(LoopBubbleLimits, AThreadThatDoesNotEndIsShown) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  std::atomic<bool> over = false;
  {
    LoopBubble bubble;
    bubble.Go([&] {
      char byte;
      EXPECT_EQ(read(ends[0], &byte, 1), 1);
      over = true;
    });
    try {
      bubble.Finish();
      ADD_FAILURE() << "the thread cannot have ended";
    } catch (const Stuck& stuck) {
      EXPECT_THAT(stuck.what(), AllOf(HasSubstr("has not ended within 1h0m0s of its stop function"),
                                      HasSubstr("sleeps in the system call")));
    }
  }
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  while (!over) std::this_thread::yield();
  close(ends[0]);
  close(ends[1]);
}

TEST(LoopBubbleLimits, NobodyWaitsForAThreadThatPollsTheClock) {
  std::atomic<bool> stop = false, over = false;
  {
    LoopBubble bubble;
    bubble.Go([&] {
      while (!stop) std::chrono::steady_clock::now();
      over = true;
    });
    EXPECT_THAT(WhyStuck([&] { bubble.Finish(); }), HasSubstr("clock reads since time last moved"));
  }
  stop = true;
  while (!over) std::this_thread::yield();
}

TEST(LoopBubbleLimits, AChildOfForkLivesInRealTime) {
  std::array<int, 2> errors;
  ASSERT_EQ(pipe(errors.data()), 0);
  LoopBubble bubble;
  const pid_t child = fork();
  if (child == 0) {
    dup2(errors[1], STDERR_FILENO);
    _exit(time(nullptr) > 1'704'067'200 + 86'400 ? 3 : 4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  char line[200] = {};
  EXPECT_GT(read(errors[0], line, sizeof line - 1), 0);
  EXPECT_THAT(line, HasSubstr("a child of fork is not in its parent's bubble"));
  bubble.AdvanceTo(1s);
  close(errors[0]);
  close(errors[1]);
}

TEST(LoopBubbleLimits, OutsideIsRealTime) {
  LoopBubble bubble;
  std::atomic<bool> over = false;
  std::thread peer;
  {
    const LoopBubble::Outside outside;
    EXPECT_GT(time(nullptr), 1'704'067'200 + 86'400);
    peer = std::thread([&] {
      while (!over) std::this_thread::sleep_for(1ms);
    });
  }
  EXPECT_EQ(time(nullptr), 1'704'067'200);
  bubble.AdvanceTo(1h);
  EXPECT_EQ(time(nullptr), 1'704'067'200 + 3600) << "it does not wait for the peer";
  over = true;
  peer.join();
}

// A peer in another process, which takes 5 ms for each answer.
int TimeoutsWithAPeerOutside(bool hold) {
  constexpr int kRequests = 40;
  std::array<int, 2> sockets;
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
  const pid_t peer = fork();
  if (peer == 0) {
    close(sockets[0]);
    char byte;
    while (read(sockets[1], &byte, 1) == 1) {
      usleep(5'000);
      if (write(sockets[1], &byte, 1) != 1) break;
    }
    _exit(0);
  }
  close(sockets[1]);
  int timeouts = 0;
  {
    LoopBubble bubble;
    bubble.Go([&] {
      for (int i = 0; i < kRequests; ++i) {
        std::optional<LoopBubble::Hold> held;
        if (hold) held.emplace();
        EXPECT_EQ(write(sockets[0], "x", 1), 1);
        pollfd polled = {.fd = sockets[0], .events = POLLIN, .revents = 0};
        if (poll(&polled, 1, 5000) == 0) {
          ++timeouts;
          return;
        }
        held.reset();
        char byte;
        EXPECT_EQ(read(sockets[0], &byte, 1), 1);
        std::this_thread::sleep_for(1s);
      }
    });
    bubble.AdvanceTo(1h);
  }
  close(sockets[0]);
  waitpid(peer, nullptr, 0);
  return timeouts;
}
TEST(LoopBubbleLimits, HoldGivesAPeerOutsideItsTime) {
  EXPECT_EQ(TimeoutsWithAPeerOutside(true), 0);
  EXPECT_EQ(TimeoutsWithAPeerOutside(false), 1) << "the first request ends the client";
}

}  // namespace
