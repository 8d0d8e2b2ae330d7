#include "afterleak/loops/loop_bubble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loops/loop_bubble.h"
#include "tests/support/loops/loopback.h"

namespace {

using afterleak::CensusTotals;
using afterleak::Duration;
using afterleak::Time;
using afterleak::loops::Loopback;
using afterleak::loops::LoopBubble;
using afterleak::loops::Stuck;
using afterleak::test::At;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(LoopBubble, ItsClocksBeginAtFixedTimes) {
  const auto before = std::chrono::system_clock::now();
  {
    LoopBubble bubble;
    EXPECT_EQ(std::chrono::steady_clock::now().time_since_epoch(), 1'000'000s);
    EXPECT_EQ(std::chrono::system_clock::now().time_since_epoch(), 1'704'067'200s);
    EXPECT_EQ(time(nullptr), 1'704'067'200);
    bubble.AdvanceTo(1500ms);
    EXPECT_EQ(std::chrono::steady_clock::now().time_since_epoch(), 1'000'001'500ms);
    EXPECT_EQ(std::chrono::system_clock::now().time_since_epoch(), 1'704'067'201'500ms);
    EXPECT_EQ(time(nullptr), 1'704'067'201);
    EXPECT_EQ(At(bubble), 1500ms);
    timespec cpu;
    EXPECT_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu), 0);
    EXPECT_LT(cpu.tv_sec, 1'000) << "what the processor has worked is not virtual";
  }
  EXPECT_GE(std::chrono::system_clock::now(), before) << "it is over";
}

// How a thread may wait 3 s: each must fire exactly 1200 times in an hour.
void Sleep() { std::this_thread::sleep_for(3s); }
void Poll() { EXPECT_EQ(poll(nullptr, 0, 3000), 0); }
void Select() {
  timeval span = {.tv_sec = 3, .tv_usec = 0};
  EXPECT_EQ(select(0, nullptr, nullptr, nullptr, &span), 0);
  EXPECT_EQ(span.tv_sec, 0) << "nothing of it is left";
}
void Epoll() {
  thread_local const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event;
  EXPECT_EQ(epoll_wait(epoll, &event, 1, 3000), 0);
}
void Condition() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  EXPECT_EQ(never.wait_for(lock, 3s), std::cv_status::timeout);
}
void SystemCondition() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  EXPECT_EQ(never.wait_until(lock, std::chrono::system_clock::now() + 3s), std::cv_status::timeout);
}
void Future() {
  std::promise<void> never;
  EXPECT_EQ(never.get_future().wait_for(3s), std::future_status::timeout);
}
void Timerfd() {
  thread_local const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
  EXPECT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
  pollfd polled = {.fd = timer, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, -1), 1);
  std::uint64_t expirations = 0;
  EXPECT_EQ(read(timer, &expirations, sizeof expirations), 8);
  EXPECT_EQ(expirations, 1u);
}

class AWait : public testing::TestWithParam<std::pair<const char*, void (*)()>> {};
TEST_P(AWait, OfThreeSecondsEnds1200TimesAnHour) {
  std::atomic<bool> stop = false;
  std::atomic<int> ticks = 0;
  LoopBubble bubble;
  bubble.Go(
      [&] {
        while (!stop) {
          GetParam().second();
          ++ticks;
        }
      },
      [&] { stop = true; });
  bubble.AdvanceTo(2999ms);
  EXPECT_EQ(ticks, 0);
  bubble.AdvanceTo(3s);
  EXPECT_EQ(ticks, 1);
  bubble.AdvanceTo(1h);
  EXPECT_EQ(ticks, 1200);
  bubble.Finish();
  EXPECT_EQ(At(bubble), 1h + 3s) << "it ends when it has waited";
}
INSTANTIATE_TEST_SUITE_P(LoopBubble, AWait,
                         testing::Values(std::pair("Sleep", &Sleep), std::pair("Poll", &Poll),
                                         std::pair("Select", &Select), std::pair("Epoll", &Epoll),
                                         std::pair("Condition", &Condition),
                                         std::pair("SystemCondition", &SystemCondition),
                                         std::pair("Future", &Future),
                                         std::pair("Timerfd", &Timerfd)),
                         [](const auto& of) { return of.param.first; });

TEST(LoopBubble, TheThreadThatMadeItMovesTimeByWaiting) {
  LoopBubble bubble;
  std::this_thread::sleep_for(5s);
  EXPECT_EQ(At(bubble), 5s);
  EXPECT_EQ(poll(nullptr, 0, 2000), 0);
  EXPECT_EQ(At(bubble), 7s);
}

TEST(LoopBubble, ItMovesTimeByWaitingForOtherThreads) {
  std::mutex mutex;
  std::condition_variable changed;
  std::promise<int> answer;
  bool done = false;
  LoopBubble bubble;
  bubble.Go([&] {
    std::this_thread::sleep_for(2s);
    {
      const std::lock_guard lock(mutex);
      done = true;
    }
    changed.notify_one();
    std::this_thread::sleep_for(2s);
    answer.set_value(42);
  });
  {
    std::unique_lock lock(mutex);
    EXPECT_FALSE(changed.wait_for(lock, 1s, [&] { return done; }));
    EXPECT_EQ(At(bubble), 1s);
    EXPECT_TRUE(changed.wait_for(lock, 5s, [&] { return done; }));
    EXPECT_EQ(At(bubble), 2s);
  }
  EXPECT_EQ(answer.get_future().get(), 42);
  EXPECT_EQ(At(bubble), 4s);
  std::thread sleeper([] { std::this_thread::sleep_for(3s); });
  sleeper.join();
  EXPECT_EQ(At(bubble), 7s);
}

TEST(LoopBubble, AtOneInstantTimersComeFirstThenEventsThenSamples) {
  std::vector<std::string> seen;
  LoopBubble bubble;
  bubble.SampleAt(3s, [&] { seen.emplace_back("sample"); });
  bubble.At(3s, [&] { seen.emplace_back("event"); });
  bubble.At(3s, [&] { seen.emplace_back("second event"); });
  bubble.Go([&] {
    std::this_thread::sleep_for(3s);
    std::thread([&] { seen.emplace_back("timer"); }).join();  // which no event comes before
  });
  bubble.AdvanceTo(10s);
  EXPECT_THAT(seen, ElementsAre("timer", "event", "second event", "sample"));
}

TEST(LoopBubble, TheCensusCountsItsTimerfds) {
  LoopBubble bubble;
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  const CensusTotals before = bubble.Totals();
  const itimerspec in_three_seconds{.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
  timerfd_settime(timer, 0, &in_three_seconds, nullptr);
  EXPECT_EQ(bubble.Totals().live - before.live, 1);
  bubble.AdvanceTo(2999ms);
  EXPECT_EQ(bubble.Totals().live - before.live, 1);
  bubble.AdvanceTo(3s);
  EXPECT_EQ(bubble.Totals().live, before.live);
  EXPECT_EQ(bubble.Totals().fired - before.fired, 1);
  close(timer);
  bubble.Finish();
}

// On another processor, so that the one that was woken is the last to wait while the event runs.
TEST(LoopBubble, TimeStandsStillWhileAnEventRuns) {
  std::atomic<int> woken = 0;
  std::array<int, 2> pipe;
  ASSERT_EQ(::pipe(pipe.data()), 0);
  LoopBubble bubble({.pin = false});
  bubble.Go([&] {
    pollfd readable{.fd = pipe[0], .events = POLLIN, .revents = 0};
    char byte;
    while (poll(&readable, 1, 3000) == 1 && read(pipe[0], &byte, 1) == 1) ++woken;
  });
  Duration after{};
  bubble.At(10ms, [&] {
    EXPECT_EQ(write(pipe[1], "x", 1), 1);
    const clock_t begun = clock();  // which is real
    while (clock() - begun < CLOCKS_PER_SEC / 5) continue;
    after = At(bubble);
  });
  bubble.AdvanceTo(4s);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(after, 10ms);
  bubble.Finish();
  for (const int end : pipe) close(end);
}

TEST(LoopBubble, WhatAnEventWakesIsSettledBeforeTheNext) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  std::atomic<int> received = 0;
  std::vector<int> seen;
  LoopBubble bubble;
  bubble.Go([&] {
    char byte;
    while (read(ends[0], &byte, 1) == 1) ++received;
  });
  for (const Duration instant : {1s, 1s, 2s}) {
    bubble.At(instant, [&] { EXPECT_EQ(write(ends[1], "x", 1), 1); });
    bubble.SampleAt(instant, [&] { seen.push_back(received); });
  }
  bubble.AdvanceTo(2s);
  EXPECT_THAT(seen, ElementsAre(2, 2, 3));
  close(ends[1]);
  bubble.Finish();
  close(ends[0]);
}

// Threads with different periods, each of which tells when it woke.
std::vector<std::int64_t> WhoWokeWhen() {
  constexpr int kThreads = 4;
  std::mutex mutex;
  std::vector<std::int64_t> woken;
  std::atomic<bool> stop = false;
  LoopBubble bubble;
  for (int i = 0; i < kThreads; ++i) {
    bubble.Go(
        [&, i] {
          while (!stop) {
            std::this_thread::sleep_for((100 + 7 * i) * 1ms);
            const std::lock_guard lock(mutex);
            woken.push_back(At(bubble).count() * 10 + i);
          }
        },
        [&] { stop = true; });
  }
  bubble.AdvanceTo(10s);
  bubble.Finish();
  std::sort(woken.begin(), woken.end());  // at one instant, threads run in the kernel's order
  return woken;
}
TEST(LoopBubble, TenRunsAreOne) {
  const auto first = WhoWokeWhen();
  EXPECT_EQ(first.size(), 101u + 94 + 88 + 83);
  for (int run = 1; run < 10; ++run) EXPECT_EQ(WhoWokeWhen(), first);
}

// Who starts a thread waits for a lock that the one who looks may have, and sleeps.
TEST(LoopBubble, AThreadThatStartsOthersIsNotSettled) {
  constexpr int kThreads = 1000;
  std::atomic<int> started = 0;
  int seen = 0;
  LoopBubble bubble;
  bubble.Go([&] {
    for (; started < kThreads; ++started) std::thread([] {}).detach();
  });
  bubble.SampleAt(0ms, [&] { seen = started; });
  bubble.AdvanceTo(1ms);
  EXPECT_EQ(seen, kThreads);
  bubble.Finish();
}

TEST(LoopBubble, AWorkersAnswerTakesNoTime) {
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  int answered = 0;
  bool stop = false;
  int late = 0;
  LoopBubble bubble;
  for (int i = 0; i < 4; ++i) {  // a pool
    bubble.Go(
        [&] {
          std::unique_lock lock(mutex);
          for (;;) {
            changed.wait(lock, [&] { return stop || answered < asked; });
            if (stop) return;
            ++answered;
            changed.notify_all();
          }
        },
        [&] {
          const std::lock_guard lock(mutex);
          stop = true;
          changed.notify_all();
        });
  }
  bubble.Go([&] {
    for (int i = 0; i < 600; ++i) {
      std::this_thread::sleep_for(100ms);
      std::unique_lock lock(mutex);
      ++asked;
      changed.notify_one();
      if (!changed.wait_for(lock, 1s, [&] { return answered == asked; })) ++late;
    }
  });
  bubble.AdvanceTo(60s);
  EXPECT_EQ(asked, 600);
  EXPECT_EQ(answered, 600);
  EXPECT_EQ(late, 0);
}

TEST(LoopBubble, NoRequestWithinTheProcessTimesOut) {
  std::array<int, 2> sockets;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
  int timeouts = 0;
  int answers = 0;
  LoopBubble bubble;
  bubble.Go([&] {  // blocks in a read that is not stood in front of
    char byte;
    while (read(sockets[1], &byte, 1) == 1) EXPECT_EQ(write(sockets[1], &byte, 1), 1);
  });
  bubble.Go([&] {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(write(sockets[0], "x", 1), 1);
      pollfd polled = {.fd = sockets[0], .events = POLLIN, .revents = 0};
      char byte;
      if (poll(&polled, 1, 5000) == 0)
        ++timeouts;
      else
        answers += static_cast<int>(read(sockets[0], &byte, 1));
      std::this_thread::sleep_for(10ms);
    }
    shutdown(sockets[0], SHUT_WR);
  });
  bubble.AdvanceTo(10s);
  EXPECT_EQ(answers, 1000);
  EXPECT_EQ(timeouts, 0);
  bubble.Finish();
  close(sockets[0]);
  close(sockets[1]);
}

// The last to block has just answered, and the other one is not awake yet: it has to wait until
// nobody else runs (SCHED_BATCH).
TEST(LoopBubble, NoRequestBetweenThreadsThatPollTimesOut) {
  const sched_param none{};
  std::array<int, 2> sockets;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
  constexpr int kRequests = 1000;
  const auto comes = [](int from) {
    pollfd polled = {.fd = from, .events = POLLIN, .revents = 0};
    char byte;
    return poll(&polled, 1, 5000) == 1 && recv(from, &byte, 1, MSG_DONTWAIT) == 1;
  };
  LoopBubble bubble;
  bubble.Go([&] {
    while (comes(sockets[1])) EXPECT_EQ(write(sockets[1], "x", 1), 1);
  });
  bubble.Advance(0s);
  ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);
  int answers = 0;
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_EQ(write(sockets[0], "x", 1), 1);
    answers += comes(sockets[0]) ? 1 : 0;
  }
  sched_setscheduler(0, SCHED_OTHER, &none);
  EXPECT_EQ(answers, kRequests);
  EXPECT_EQ(At(bubble), 0s);
  bubble.Finish();
  for (const int each : sockets) close(each);
}

// What reads a byte from a socket that may not have one yet.
ssize_t ReadByte(int from, char* to) { return read(from, to, 1); }
ssize_t ReadvByte(int from, char* to) {
  const iovec one = {.iov_base = to, .iov_len = 1};
  return readv(from, &one, 1);
}
ssize_t RecvByte(int from, char* to) { return recv(from, to, 1, 0); }
ssize_t RecvfromByte(int from, char* to) { return recvfrom(from, to, 1, 0, nullptr, nullptr); }
ssize_t RecvmsgByte(int from, char* to) {
  iovec one = {.iov_base = to, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &one;
  message.msg_iovlen = 1;
  return recvmsg(from, &message, 0);
}

TEST(LoopBubble, TheThreadThatMadeItMovesTimeByReading) {
  std::array<int, 2> sockets;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()), 0);
  constexpr ssize_t (*kReads[])(int, char*) = {&ReadByte, &ReadvByte, &RecvByte, &RecvfromByte,
                                               &RecvmsgByte};
  LoopBubble bubble;
  bubble.Go([&] {
    for (std::size_t i = 0; i < std::size(kReads); ++i) {
      std::this_thread::sleep_for(3s);
      EXPECT_EQ(write(sockets[0], "x", 1), 1);
    }
  });
  Duration until = 3s;
  for (const auto& read_byte : kReads) {
    char byte = 0;
    EXPECT_EQ(read_byte(sockets[1], &byte), 1);
    EXPECT_EQ(byte, 'x');
    EXPECT_EQ(At(bubble), until);
    until += 3s;
  }
  char byte;
  EXPECT_EQ(recv(sockets[1], &byte, 1, MSG_DONTWAIT), -1) << "does not wait";
  EXPECT_EQ(errno, EAGAIN);
  for (const int each : sockets) close(each);
}

TEST(LoopBubble, TheThreadThatMadeItMovesTimeByAccepting) {
  Loopback loopback;
  LoopBubble bubble;
  bubble.Go([&] {
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(3s);
      close(loopback.Connect());
    }
  });
  for (const Duration until : {3s, 6s}) {
    const int client = until == 3s ? accept(loopback.listener(), nullptr, nullptr)
                                   : accept4(loopback.listener(), nullptr, nullptr, 0);
    EXPECT_GE(client, 0);
    EXPECT_EQ(At(bubble), until);
    close(client);
  }
}

TEST(LoopBubble, ATimerfdTellsHowOftenItWasDue) {
  LoopBubble bubble;
  const int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  const itimerspec value = {.it_interval = {.tv_sec = 2, .tv_nsec = 0},
                            .it_value = {.tv_sec = 1, .tv_nsec = 0}};
  itimerspec left;
  std::uint64_t expirations = 0;
  ASSERT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
  bubble.AdvanceTo(500ms);
  EXPECT_EQ(read(timer, &expirations, sizeof expirations), -1);
  bubble.AdvanceTo(10s);
  EXPECT_EQ(timerfd_gettime(timer, &left), 0);
  EXPECT_EQ(left.it_value.tv_sec, 1);
  EXPECT_EQ(left.it_interval.tv_sec, 2);
  EXPECT_EQ(read(timer, &expirations, sizeof expirations), 8);
  EXPECT_EQ(expirations, 5u) << "at 1, 3, 5, 7 and 9 s";
  const itimerspec past = {.it_interval = {}, .it_value = {.tv_sec = 1'704'067'200, .tv_nsec = 0}};
  ASSERT_EQ(timerfd_settime(timer, TFD_TIMER_ABSTIME, &past, nullptr), 0);
  EXPECT_EQ(read(timer, &expirations, sizeof expirations), 8) << "it was due before";
  ASSERT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
  close(timer);
  bubble.AdvanceTo(20s);
}

TEST(LoopBubble, WhatAThreadThrowsIsRethrown) {
  LoopBubble bubble;
  bubble.Go([] {
    std::this_thread::sleep_for(1s);
    throw std::runtime_error("no more");
  });
  EXPECT_THROW(bubble.AdvanceTo(2s), std::runtime_error);
  bubble.At(3s, [] { throw std::logic_error("an event"); });
  EXPECT_THROW(bubble.AdvanceTo(4s), std::logic_error);
  bubble.AdvanceTo(5s);
  EXPECT_EQ(At(bubble), 5s);
}

TEST(LoopBubble, ThereIsOneAtATime) {
  LoopBubble bubble;
  EXPECT_THROW(LoopBubble(), Stuck);
  bubble.AdvanceTo(1s);
  EXPECT_EQ(At(bubble), 1s) << "the first goes on";
}

}  // namespace
