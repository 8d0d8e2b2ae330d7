// What virtual time does to threads, descriptors, timerfds and system calls, seen from the program.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/loops/loop_bubble.h"
#include "afterleak/loops/testing.h"
#include "afterleak/loops/virtual_real.h"
#include "tests/support/loops/loop_bubble.h"

namespace {

using afterleak::Duration;
using afterleak::loops::LoopBubble;
using afterleak::loops::NoTimersLeft;
using afterleak::loops::Stuck;
using afterleak::test::At;
using afterleak::test::Pipe;
using afterleak::test::WhyStuck;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

constexpr time_t kWallStart = 1'704'067'200;
constexpr time_t kDay = 86'400;

// What the monotonic clock shows since the bubble began.
Duration Shown() { return std::chrono::steady_clock::now().time_since_epoch() - 1'000'000s; }

// Real time, in which other threads run; `is_so` must become true.
void SpinUntil(const std::function<bool()>& is_so) {
  while (!is_so()) std::this_thread::yield();
}

// 20 ms of the processor's time.
void Work() {
  for (const clock_t begun = clock(); clock() - begun < CLOCKS_PER_SEC / 50;) {
  }
}

std::ptrdiff_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

int ProcessorsOf(pid_t thread) {
  cpu_set_t set;
  return sched_getaffinity(thread, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}
const int all = ProcessorsOf(0);  // before any bubble

TEST(RealNanoseconds, AreOfTheMonotonicClock) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch() / 1ns; };
  const std::int64_t before = now();
  const std::int64_t real = afterleak::loops::internal::RealNanoseconds();
  EXPECT_LE(before, real);
  EXPECT_LE(real, now());
}

// ---- threads

TEST(VirtualWorld, AllThreadsAreOnOneProcessorUntilItEnds) {
  if (all == 1) GTEST_SKIP() << "there is one processor";
  Pipe end;
  std::atomic<pid_t> before = 0;
  std::atomic<pid_t> inside = 0;
  std::thread older([&] {
    before = gettid();
    end.Read();
  });
  std::atomic<pid_t> outside_before = 0;
  std::thread peer([&] {
    const LoopBubble::Outside outside;
    outside_before = gettid();
    end.Read();
  });
  std::thread younger;
  SpinUntil([&] { return before != 0 && outside_before != 0; });
  {
    const LoopBubble bubble({.pin = false});
    EXPECT_EQ(ProcessorsOf(0), all);
    EXPECT_EQ(ProcessorsOf(before), all);
  }
  {
    LoopBubble bubble;
    EXPECT_EQ(ProcessorsOf(0), 1);
    EXPECT_EQ(ProcessorsOf(before), 1);
    EXPECT_EQ(ProcessorsOf(outside_before), all);
    younger = std::thread([&] {
      inside = gettid();
      end.Read();
    });
    bubble.AdvanceTo(1s);
    EXPECT_EQ(ProcessorsOf(inside), 1);
    {
      const LoopBubble::Outside outside;
      EXPECT_EQ(ProcessorsOf(0), all);
      {
        const LoopBubble::Outside nested;
      }
      EXPECT_EQ(ProcessorsOf(0), all) << "it is outside still";
    }
    EXPECT_EQ(ProcessorsOf(0), 1);
  }
  EXPECT_EQ(ProcessorsOf(0), all);
  EXPECT_EQ(ProcessorsOf(before), all);
  EXPECT_EQ(ProcessorsOf(inside), all);
  for (int i = 0; i < 3; ++i) end.Write();
  older.join();
  peer.join();
  younger.join();
}

TEST(VirtualWorld, OutsideOfABubbleItPinsNothing) {
  if (all == 1) GTEST_SKIP() << "there is one processor";
  std::optional<LoopBubble::Outside> outside;
  {
    const LoopBubble bubble;
    outside.emplace();
  }
  outside.reset();
  EXPECT_EQ(ProcessorsOf(0), all);
  cpu_set_t before;
  cpu_set_t one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  {
    const LoopBubble bubble({.pin = false});
  }
  EXPECT_EQ(ProcessorsOf(0), 1) << "what the program has chosen stays";
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(VirtualWorld, AThreadThatIsStartedOutsideIsOutside) {
  LoopBubble bubble;
  std::atomic<time_t> seen = 0;
  int ticks = 0;
  Pipe end;
  std::thread peer;
  {
    const LoopBubble::Outside outside;
    peer = std::thread([&] {
      seen = time(nullptr);
      end.Read();
    });
    SpinUntil([&] { return seen != 0; });
  }
  EXPECT_GT(seen, kWallStart + kDay);
  bubble.Go([&] {
    for (; ticks < 10; ++ticks) std::this_thread::sleep_for(1s);
  });
  bubble.AdvanceTo(1h);
  EXPECT_EQ(ticks, 10) << "time does not wait for the peer";
  end.Write();
  peer.join();
}

TEST(VirtualWorld, TimeStandsStillWhileTheThreadThatMadeItIsOutside) {
  Pipe asked;
  Pipe answered;
  LoopBubble bubble;
  bubble.Go([&] {
    asked.Read();
    std::this_thread::sleep_for(1s);
    answered.Write();
  });
  std::this_thread::sleep_for(1s);
  {
    const LoopBubble::Outside outside;
    asked.Write();
    EXPECT_EQ(answered.Poll(50), 0) << "it sleeps in virtual time";
  }
  EXPECT_EQ(answered.Poll(5000), 1);
  EXPECT_EQ(At(bubble), 2s);
}

TEST(VirtualWorld, AThreadThatCannotStartLeavesItsParentInTheBubble) {
  pthread_attr_t huge;
  pthread_attr_init(&huge);
  ASSERT_EQ(pthread_attr_setstacksize(&huge, std::size_t{1} << 50), 0);
  LoopBubble bubble;
  const std::ptrdiff_t open = OpenDescriptors();
  pthread_t none;
  EXPECT_NE(pthread_create(&none, &huge, [](void* data) { return data; }, nullptr), 0);
  EXPECT_EQ(time(nullptr), kWallStart);
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(At(bubble), 1s);
  EXPECT_EQ(OpenDescriptors(), open);
  pthread_attr_destroy(&huge);
}

// Destructors of what threads have run one after the other, in rounds.
struct Dying {
  LoopBubble* bubble;
  Pipe* told;
  Duration gone_at{-1};
  time_t shown = 0;
  int rounds = 0;
};
pthread_key_t KeyOfDying() {
  static const pthread_key_t key = [] {
    std::thread([] {}).join();  // afterleak's own key is before this one
    pthread_key_t made;
    pthread_key_create(&made, [](void* data) {
      auto& dying = *static_cast<Dying*>(data);
      if (++dying.rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(KeyOfDying(), data);
        return;
      }
      dying.shown = time(nullptr);
      dying.told->Write();
      Work();
      dying.gone_at = At(*dying.bubble);
    });
    return made;
  }();
  return key;
}

TEST(VirtualWorld, TimeStandsStillUntilAThreadIsGone) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer crashes where a key's destructor goes on working";
#endif
  const pthread_key_t key = KeyOfDying();
  for (const bool joined : {true, false}) {
    LoopBubble bubble({.pin = joined});
    Pipe told;
    Dying dying{.bubble = &bubble, .told = &told};
    Duration gone{-1};
    int ticks = 0;
    bubble.Go([&] {
      for (; ticks < 100; ++ticks) std::this_thread::sleep_for(20ms);
    });
    bubble.Go([&] {
      if (told.Poll(-1) == 1 && told.Read()) std::this_thread::sleep_for(5ms);
    });
    bubble.Go([&] {
      std::this_thread::sleep_for(1s);
      std::thread thread([&] { pthread_setspecific(key, &dying); });
      if (joined) {
        thread.join();
        gone = At(bubble);
      } else {
        thread.detach();
      }
    });
    bubble.AdvanceTo(1min);
    EXPECT_EQ(dying.gone_at, 1s);
    EXPECT_GT(dying.shown, kWallStart + kDay) << "what a sanitizer does then is in real time";
    EXPECT_EQ(ticks, 100);
    if (joined) {
      EXPECT_EQ(gone, 1s);
    }
  }
}

TEST(VirtualWorld, AThreadThatIsLeftBehindLivesInRealTime) {
  Pipe ends[2];
  std::atomic<time_t> seen = 0;
  std::weak_ptr<int> held;
  {
    LoopBubble bubble({.finish_within = 1s});
    auto token = std::make_shared<int>();
    held = token;
    bubble.Go([&, token = std::move(token)] {
      ends[0].Read();
      seen = time(nullptr);
      throw std::runtime_error("too late");
    });
    bubble.Go([&] { ends[1].Read(); });
    EXPECT_THAT(WhyStuck([&] { bubble.Finish(); }),
                HasSubstr("has not ended within 1s of its stop function"));
    ends[0].Write();
    SpinUntil([&] { return held.expired(); });
    EXPECT_GT(seen, kWallStart + kDay);
    ends[1].Write();
  }
  LoopBubble next;
  EXPECT_EQ(WhyStuck([&] { next.AdvanceTo(1s); }), "not stuck") << "it is not told the next one";
}

TEST(VirtualWorld, EachThreadHasANumber) {
  const auto ends = std::make_shared<std::array<Pipe, 2>>();  // the threads live on
  {
    LoopBubble bubble({.finish_within = 1s});
    for (Pipe& end : *ends) bubble.Go([ends, &end] { end.Read(); });
    const std::string why = WhyStuck([&] { bubble.Finish(); });
    std::set<std::string> numbers;
    std::size_t lines = 0;
    for (std::size_t at = why.find("\nthread "); at != std::string::npos; ++lines) {
      numbers.insert(why.substr(at + 8, why.find(' ', at + 8) - at - 8));
      at = why.find("\nthread ", at + 1);
    }
    EXPECT_EQ(lines, 3u) << why;
    EXPECT_EQ(numbers.size(), lines) << why;
    for (const Pipe& end : *ends) end.Write();
  }
}

TEST(VirtualWorld, ASignalIsHandledBeforeTimeMoves) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  constexpr int kSignals = 50;
  std::vector<Duration> sent;
  std::vector<Duration> handled;
  std::atomic<bool> stop = false;
  LoopBubble bubble;
  std::atomic<pthread_t> receiver{};
  bubble.Go([&] {
    receiver = pthread_self();
    while (!stop) {
      errno = 0;
      if (poll(nullptr, 0, 3'600'000) == -1 && errno == EINTR) handled.push_back(At(bubble));
    }
  });
  bubble.Go([&] {
    for (int i = 0; i < kSignals; ++i) {
      std::this_thread::sleep_for(1s);
      sent.push_back(At(bubble));
      pthread_kill(receiver, SIGUSR1);
      std::this_thread::sleep_for(1s);
    }
    stop = true;
    pthread_kill(receiver, SIGUSR1);
  });
  bubble.AdvanceTo(1h);
  ASSERT_EQ(handled.size(), kSignals + 1u);
  handled.pop_back();
  EXPECT_EQ(handled, sent);
  bubble.Finish();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST(VirtualWorld, AWaitOfNoTimeDoesNotWait) {
  std::atomic<bool> over = false;
  LoopBubble bubble;
  bubble.Go([&] {
    EXPECT_EQ(usleep(0), 0);
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    for (const Duration ago : {0s, 5s}) {
      EXPECT_EQ(never.wait_until(lock, std::chrono::steady_clock::now() - ago),
                std::cv_status::timeout);
    }
    over = true;
  });
  SpinUntil([&] { return over.load(); });  // nobody moves time
  EXPECT_EQ(At(bubble), 0s);
}

TEST(VirtualWorld, AnEventMustNotWaitForACondition) {
  LoopBubble bubble;
  bubble.At(1s, [] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, 1s);
  });
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(2s); }), HasSubstr(" in an event (At, SampleAt)"));
}

TEST(VirtualWorld, WhatAnotherThreadDoesWrongDoesNotEndTheWaitOfTheTest) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  LoopBubble bubble;
  bubble.Go([&] {
    alarm(3);
    std::this_thread::sleep_for(1s);
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 5s, [&] { return done; }));
  }
  EXPECT_EQ(At(bubble), 1s);
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(2s); }), HasSubstr("alarm in virtual time"));
}

TEST(VirtualWorld, AnEventMustNotWaitWhileTheTestWaitsEither) {
  std::mutex mutex;
  std::condition_variable never;
  LoopBubble bubble;
  bubble.At(1s, [] { std::this_thread::sleep_for(1s); });
  {
    std::unique_lock lock(mutex);
    EXPECT_EQ(never.wait_for(lock, 5s), std::cv_status::timeout);
  }
  EXPECT_EQ(At(bubble), 5s);
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(6s); }), HasSubstr("nanosleep in an event"));
}

TEST(VirtualWorld, AWaitMayBeTriedManyTimesBetweenTwoRefusals) {
  LoopBubble bubble;
  for (int refusal = 0; refusal < 3; ++refusal) {
    alarm(3);
    for (int i = 0; i < 600; ++i) EXPECT_EQ(poll(nullptr, 0, 1), -1);
    EXPECT_NE(WhyStuck([&] { bubble.Advance(1s); }), "not stuck");
  }
}

TEST(VirtualWorld, ThoseWhoWaitForOneDescriptorWaitOnIfAnotherTakesIt) {
  constexpr int kRounds = 300;
  Pipe work;
  std::atomic<int> taken = 0;
  std::atomic<int> early = 0;
  std::atomic<bool> stop = false;
  ASSERT_EQ(fcntl(work.ends[0], F_SETFL, O_NONBLOCK), 0);
  LoopBubble bubble({.pin = false});
  for (int i = 0; i < 4; ++i) {
    bubble.Go([&] {
      while (!stop) {
        const Duration begun = At(bubble);
        if (work.Poll(10'000) == 0)
          early += At(bubble) < begun + 10s ? 1 : 0;
        else
          taken += work.Read() ? 1 : 0;
      }
    });
  }
  bubble.Go([&] {
    for (int i = 0; i < kRounds; ++i) {
      std::this_thread::sleep_for(100ms);
      work.Write();
    }
    stop = true;
  });
  bubble.AdvanceTo(10min);
  EXPECT_EQ(taken, kRounds);
  EXPECT_EQ(early, 0);
}

// True if it does so as often as it should.
bool SleepsInTheBubbleOfAnother() {
  std::atomic<bool> begun = false;
  int ticks = 0;
  std::thread other([&] {
    LoopBubble bubble({.stuck_after = 1s});
    begun = true;
    EXPECT_EQ(WhyStuck([&] { bubble.AdvanceTo(200s); }), "not stuck");
  });
  SpinUntil([&] { return begun.load(); });
  for (; ticks < 100; ++ticks) std::this_thread::sleep_for(1s);
  other.join();
  return ticks == 100;
}

TEST(VirtualWorld, WhoMadeABubbleMaySleepInTheNext) {
  int samples = 0;
  {
    LoopBubble bubble;
    bubble.At(0s, [&] { bubble.SampleAt(0s, [&] { ++samples; }); });
    bubble.AdvanceTo(1s);
  }
  EXPECT_EQ(samples, 1);
  EXPECT_TRUE(SleepsInTheBubbleOfAnother());
}

// ---- clocks

TEST(VirtualWorld, EveryNinthEmptyPollMovesTheClockAMicrosecond) {
  LoopBubble bubble;
  const auto poll_times = [](int count) {
    for (int i = 0; i < count; ++i) EXPECT_EQ(poll(nullptr, 0, 0), 0);
  };
  poll_times(8);
  EXPECT_EQ(Shown(), 0us);
  poll_times(1);
  EXPECT_EQ(Shown(), 1us);
  poll_times(9 * 200);
  EXPECT_EQ(Shown(), 100us) << "and no more than that";
  EXPECT_EQ(At(bubble), 0s);
  bubble.AdvanceTo(60us);
  EXPECT_EQ(Shown(), 100us) << "no clock goes back";
  bubble.AdvanceTo(1s);
  EXPECT_EQ(Shown(), 1s);
  poll_times(5);
  bubble.AdvanceTo(2s);
  poll_times(8);
  EXPECT_EQ(Shown(), 2s) << "those of before do not count";
  poll_times(1);
  EXPECT_EQ(Shown(), 2s + 1us);
}

TEST(VirtualWorld, ClockReadsOfEarlierInstantsDoNotCount) {
  std::atomic<bool> stop = false;
  LoopBubble bubble({.stuck_after = 100ms});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Shown(), 0s);
  bubble.AdvanceTo(1s);
  bubble.Go(
      [&] {
        while (!stop) {
        }
      },
      [&] { stop = true; });
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(2s); }),
              HasSubstr(" runs: 0 clock reads since time last moved"));
}

TEST(VirtualWorld, AWaitThatNothingEndsNamesTheThread) {
  Pipe never;
  LoopBubble bubble({.stuck_after = 100ms});
  EXPECT_EQ(never.Poll(-1), -1);
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(1s); }),
              MatchesRegex("thread [1-9][0-9]* waits for what never comes:.*"));
}

TEST(VirtualWorld, TimeThatHasNoLimitDoesNotRunAway) {
  Pipe end;
  LoopBubble bubble({.stuck_after = 100ms});
  bubble.Go([&] {
    std::this_thread::sleep_for(1s);
    end.Poll(-1);
  });
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(afterleak::Time::max()); }),
              HasSubstr("waits for what never comes"));
  EXPECT_EQ(At(bubble), 1s);
  end.Write();
}

TEST(VirtualWorld, AReadOfAFewClocksInOneBubbleIsNotHeldAgainstTheNext) {
  constexpr int kManyReads = 1'200'000;  // it is looked at then
  constexpr int kMostReads = 12'000'000;
  for (const int reads : {kManyReads, kMostReads}) {
    const LoopBubble bubble({.stuck_after = 1min});
    for (int i = 0; i < reads; ++i) ASSERT_EQ(Shown(), 0s);
  }
}

// ---- descriptors

TEST(VirtualWorld, ItsDescriptorsAreNotInTheWay) {
  const auto next_two = [] {
    std::array<int, 2> made;
    for (int& each : made) each = dup(STDERR_FILENO);
    for (const int each : made) close(each);
    return made;
  };
  std::mutex mutex;
  std::condition_variable never;
  const Pipe end;
  const std::array<int, 2> before = next_two();
  LoopBubble bubble;
  bubble.Go([&] { EXPECT_EQ(end.Poll(3'600'000), 0); });
  bubble.AdvanceTo(1s);
  std::unique_lock lock(mutex);
  never.wait_for(lock, 1s);  // another thread of ours moves time
  EXPECT_EQ(next_two(), before);
}

TEST(VirtualWorld, ItGivesBackItsDescriptors) {
  std::thread([] {}).join();  // the first has more to make
  const auto live = [] {
    std::mutex mutex;
    std::condition_variable never;
    LoopBubble bubble;
    for (int i = 0; i < 10; ++i) bubble.Go([] { std::this_thread::sleep_for(1s); });
    std::unique_lock lock(mutex);
    never.wait_for(lock, 2s);
    bubble.Finish();
  };
  live();
  const std::ptrdiff_t open = OpenDescriptors();
  live();
  EXPECT_EQ(OpenDescriptors(), open);
}

// All numbers that a process of that many descriptors has, from where the program's own end.
template <typename Do>
void ForAllHighDescriptors(Do&& body) {
  const int most = static_cast<int>(std::min(sysconf(_SC_OPEN_MAX), 1L << 16));
  for (int descriptor = most / 4; descriptor < most; ++descriptor) body(descriptor);
}

TEST(VirtualWorld, AProgramThatClosesEverythingDoesNotCloseOurs) {
  LoopBubble bubble({.stuck_after = 1s});
  int ticks = 0;
  bubble.Go([&] {
    for (; ticks < 5; ++ticks) std::this_thread::sleep_for(1s);
  });
  bubble.AdvanceTo(1500ms);
  int closed = 0;
  ForAllHighDescriptors([&](int descriptor) {
    errno = 0;
    const int result = close(descriptor);
    closed += result == 0 ? 1 : 0;
    EXPECT_TRUE(result == 0 || (result == -1 && errno == EBADF)) << descriptor;
  });
  EXPECT_EQ(closed, 0);
  bubble.AdvanceTo(1min);
  EXPECT_EQ(ticks, 5);
  for (const int none : {INT_MIN, INT_MIN + 1, -1, INT_MAX - 1, INT_MAX}) {
    EXPECT_EQ(close(none), -1);
    EXPECT_EQ(errno, EBADF);
  }
}

TEST(VirtualWorld, ANumberThatWasOursIsTheProgramsAgain) {
  {
    LoopBubble bubble;
    for (int i = 0; i < 3; ++i) bubble.Go([] { std::this_thread::sleep_for(1s); });
    bubble.AdvanceTo(1min);
  }
  ForAllHighDescriptors([&](int descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) return;  // the main thread's
    ASSERT_EQ(dup2(STDERR_FILENO, descriptor), descriptor);
    EXPECT_EQ(close(descriptor), 0) << descriptor;
  });
}

TEST(VirtualWorld, AProgramWithoutStandardInputMayHaveATimerThere) {
  const int input = dup(STDIN_FILENO);
  ASSERT_GE(input, 0);
  {
    LoopBubble bubble;
    close(STDIN_FILENO);
    int ticks = 0;
    bubble.Go([&] {
      for (; ticks < 5; ++ticks) std::this_thread::sleep_for(1s);
    });
    bubble.AdvanceTo(500ms);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    EXPECT_EQ(timer, STDIN_FILENO);
    const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 3, .tv_nsec = 0}};
    EXPECT_EQ(timerfd_settime(timer, 0, &value, nullptr), 0);
    bubble.AdvanceTo(10s);
    EXPECT_EQ(ticks, 5);
    std::uint64_t expirations = 0;
    EXPECT_EQ(read(timer, &expirations, sizeof expirations), 8);
    close(timer);
  }
  EXPECT_EQ(dup2(input, STDIN_FILENO), STDIN_FILENO);
  close(input);
}

// ---- timerfds

constexpr timespec kSecond{.tv_sec = 1, .tv_nsec = 0};

class ATimerfd : public testing::Test {
 protected:
  ~ATimerfd() override { close(timer_); }

  void Set(timespec value, timespec interval = {}, int flags = 0) {
    const itimerspec set = {.it_interval = interval, .it_value = value};
    ASSERT_EQ(timerfd_settime(timer_, flags, &set, nullptr), 0);
  }
  std::int64_t Expirations() const {
    std::uint64_t count = 0;
    return read(timer_, &count, sizeof count) == 8 ? static_cast<std::int64_t>(count) : -1;
  }

  LoopBubble bubble_;
  int timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
};

TEST_F(ATimerfd, IsNotDueBeforeItIsSet) {
  EXPECT_EQ(Expirations(), -1);
  bubble_.AdvanceTo(1h);
  EXPECT_EQ(Expirations(), -1);
}

TEST_F(ATimerfd, TellsWhatIsLeft) {
  itimerspec old{};
  Set({.tv_sec = 5, .tv_nsec = 0}, kSecond);
  bubble_.AdvanceTo(2s);
  const itimerspec soon = {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
  EXPECT_EQ(timerfd_settime(timer_, 0, &soon, &old), 0);
  EXPECT_EQ(old.it_value.tv_sec, 3);
  EXPECT_EQ(old.it_interval.tv_sec, 1);
  EXPECT_EQ(timerfd_gettime(timer_, &old), 0);
  EXPECT_EQ(old.it_value.tv_nsec, 1);
  EXPECT_EQ(old.it_interval.tv_sec, 0);
}

TEST_F(ATimerfd, IsDisarmedByZero) {
  Set(kSecond, kSecond);
  Set({});
  itimerspec left{};
  EXPECT_EQ(timerfd_gettime(timer_, &left), 0);
  EXPECT_EQ(left.it_value.tv_sec, 0);
  EXPECT_EQ(left.it_value.tv_nsec, 0);
  bubble_.AdvanceTo(10s);
  EXPECT_EQ(Expirations(), -1);
}

TEST_F(ATimerfd, OfNowIsDueAtOnce) {
  Set({.tv_sec = 1'000'000, .tv_nsec = 0}, {}, TFD_TIMER_ABSTIME);
  EXPECT_EQ(Expirations(), 1);
}

TEST_F(ATimerfd, CountsWhatItHasMissedBeforeItWasSet) {
  bubble_.AdvanceTo(3500ms);
  Set({.tv_sec = 1'000'000, .tv_nsec = 0}, kSecond, TFD_TIMER_ABSTIME);
  EXPECT_EQ(Expirations(), 4) << "at 0, 1, 2 and 3 s";
  bubble_.AdvanceTo(3999ms);
  EXPECT_EQ(Expirations(), -1);
  bubble_.AdvanceTo(4s);
  EXPECT_EQ(Expirations(), 1);
}

TEST_F(ATimerfd, WithAnIntervalIsSeenAtEachInstant) {
  std::atomic<bool> stop = false;
  std::vector<std::int64_t> counts;
  std::vector<Duration> instants;
  Set(kSecond, kSecond);
  bubble_.Go(
      [&] {
        while (!stop) {
          pollfd polled = {.fd = timer_, .events = POLLIN, .revents = 0};
          EXPECT_EQ(poll(&polled, 1, -1), 1);
          counts.push_back(Expirations());
          instants.push_back(At(bubble_));
        }
      },
      [&] { stop = true; });
  bubble_.AdvanceTo(4s);
  EXPECT_THAT(counts, ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(instants, ElementsAre(1s, 2s, 3s, 4s));
  bubble_.Finish();
}

TEST_F(ATimerfd, ThatIsClosedIsOverAlsoWhereItsNumberIsUsedAgain) {
  Pipe other;
  Set(kSecond);
  close(timer_);
  ASSERT_EQ(dup2(other.ends[1], timer_), timer_);
  itimerspec left;
  EXPECT_EQ(timerfd_gettime(timer_, &left), -1);
  EXPECT_EQ(errno, EINVAL);
  bubble_.AdvanceTo(10s);
  EXPECT_EQ(other.Poll(0), 0) << "nothing is written to what has its number";
}

TEST_F(ATimerfd, RefusesWhatIsNoTime) {
  for (const timespec bad :
       {timespec{.tv_sec = 0, .tv_nsec = -1}, timespec{.tv_sec = 1, .tv_nsec = 1'000'000'000}}) {
    itimerspec value = {.it_interval = bad, .it_value = kSecond};
    errno = 0;
    EXPECT_EQ(timerfd_settime(timer_, 0, &value, nullptr), -1);
    EXPECT_EQ(errno, EINVAL);
    value = {.it_interval = kSecond, .it_value = bad};
    EXPECT_EQ(timerfd_settime(timer_, 0, &value, nullptr), -1);
  }
  Pipe no_timer;
  const itimerspec value = {.it_interval = {}, .it_value = kSecond};
  EXPECT_EQ(timerfd_settime(no_timer.ends[0], 0, &value, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(WhyStuck([&] { bubble_.AdvanceTo(1s); }), "not stuck");
}

TEST(VirtualWorld, ATimerfdDoesNothingAfterItsBubble) {
  int timer = -1;
  const itimerspec value = {.it_interval = {}, .it_value = kSecond};
  {
    const LoopBubble bubble;
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timerfd_settime(timer, 0, &value, nullptr);
  }
  LoopBubble next;
  int events = 0;
  const itimerspec never{};
  EXPECT_EQ(timerfd_settime(timer, 0, &never, nullptr), 0) << "as a loop does that ends later";
  next.At(1s, [&] { ++events; });
  next.AdvanceTo(10s);
  EXPECT_EQ(events, 1);
  std::uint64_t expirations = 0;
  EXPECT_EQ(read(timer, &expirations, sizeof expirations), -1);
  close(timer);
}

TEST(VirtualWorld, APosixTimerMayBeDisarmedAndNotArmed) {
  timer_t timer;
  sigevent none{};
  none.sigev_notify = SIGEV_NONE;
  ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &none, &timer), 0);
  LoopBubble bubble;
  itimerspec value{};
  EXPECT_EQ(timer_settime(timer, 0, &value, nullptr), 0);
  EXPECT_EQ(WhyStuck([&] { bubble.AdvanceTo(1s); }), "not stuck");
  value.it_value.tv_nsec = 1'000'000;
  EXPECT_EQ(timer_settime(timer, 0, &value, nullptr), -1);
  EXPECT_THAT(WhyStuck([&] { bubble.AdvanceTo(2s); }), HasSubstr("timer_settime in virtual time"));
  timer_delete(timer);
}

// ---- system calls

TEST(VirtualWorld, ASystemCallHasAllItsArguments) {
  const int file = memfd_create("pages", MFD_CLOEXEC);
  const auto page = sysconf(_SC_PAGESIZE);
  ASSERT_EQ(ftruncate(file, 2 * page), 0);
  ASSERT_EQ(pwrite(file, "second", 6, page), 6);
  const long second =
      syscall(SYS_mmap, nullptr, page, long{PROT_READ}, long{MAP_PRIVATE}, long{file}, page);
  ASSERT_NE(second, -1);
  EXPECT_STREQ(reinterpret_cast<const char*>(second), "second");
  EXPECT_EQ(syscall(SYS_munmap, second, page), 0);
  char text[7] = {};
  EXPECT_EQ(syscall(SYS_pread64, file, text, 6, page, 0L), 6);
  EXPECT_STREQ(text, "second");
  EXPECT_EQ(syscall(SYS_close, file), 0);
  EXPECT_EQ(syscall(SYS_close, file), -1);
  EXPECT_EQ(errno, EBADF);
}

// ---- a bubble's begin and end

TEST(VirtualWorld, TheNextBubbleKnowsNothingOfTheOneBefore) {
  std::optional<LoopBubble::Hold> held;
  int events = 0;
  {
    LoopBubble bubble;
    bubble.At(1s, [&] { ++events; });
    held.emplace();
    alarm(3);
  }
  {
    LoopBubble bubble;
    EXPECT_EQ(WhyStuck([&] { bubble.AdvanceTo(10s); }), "not stuck");
    EXPECT_EQ(At(bubble), 10s);
  }
  EXPECT_EQ(events, 0);
}

TEST(VirtualWorld, TheTestMayWaitForThreadsInOneBubbleAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    std::mutex mutex;
    std::condition_variable never;
    const LoopBubble bubble;
    std::unique_lock lock(mutex);
    EXPECT_EQ(never.wait_for(lock, 1s), std::cv_status::timeout);
    EXPECT_EQ(At(bubble), 1s);
  }
}

TEST(VirtualWorld, WhatHasADeadlineEndsWithIt) {
  std::thread sleeper;
  std::thread waiter;
  {
    LoopBubble bubble;
    sleeper = std::thread([] { std::this_thread::sleep_for(1h); });
    waiter = std::thread([] {
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, 1h);
    });
    bubble.AdvanceTo(1min);
  }
  sleeper.join();
  waiter.join();
}

TEST(VirtualWorld, AThreadThatSleptWhenItBeganMayWakeUpInIt) {
  std::atomic<bool> sleeps = false;
  std::thread sleeper([&] {
    const timespec span = {.tv_sec = 0, .tv_nsec = 20'000'000};
    sleeps = true;
    syscall(SYS_nanosleep, &span, nullptr);
  });
  SpinUntil([&] { return sleeps.load(); });
  {
    LoopBubble bubble;
    EXPECT_EQ(WhyStuck([&] { bubble.AdvanceTo(1s); }), "not stuck");
  }
  sleeper.join();
}

TEST(VirtualWorld, WhatAThreadHoldsIsFreedWhenItEnds) {
  auto body = std::make_shared<int>();
  auto stop = std::make_shared<int>();
  const std::weak_ptr<int> of_body = body;
  const std::weak_ptr<int> of_stop = stop;
  LoopBubble bubble;
  bubble.Go([body = std::move(body)] { std::this_thread::sleep_for(1s); },
            [stop = std::move(stop)] {});
  bubble.AdvanceTo(2s);
  EXPECT_TRUE(of_body.expired());
  EXPECT_FALSE(of_stop.expired());
  bubble.Finish();
  EXPECT_TRUE(of_stop.expired());
}

// Ends a thread, waits until it is gone, and throws.
template <typename Thrown>
void GoAndThrowInStop(LoopBubble& bubble, const Pipe& end, std::atomic<pid_t>& thread,
                      Thrown thrown) {
  thread = 0;
  bubble.Go(
      [&] {
        thread = gettid();
        end.Read();
      },
      [&, thrown] {
        end.Write();
        SpinUntil([&] { return syscall(SYS_tgkill, getpid(), thread.load(), 0) != 0; });
        throw thrown;
      });
  bubble.Advance(1s);
}

TEST(VirtualWorld, WhatAStopFunctionThrowsIsRethrown) {
  Pipe end;
  std::atomic<pid_t> thread = 0;
  LoopBubble bubble;
  GoAndThrowInStop(bubble, end, thread, std::logic_error("a stop function"));
  EXPECT_THROW(bubble.Finish(), std::logic_error);
}

TEST(VirtualWorld, ItsDestructorPrintsWhatIsThrown) {
  Pipe end;
  std::atomic<pid_t> thread = 0;
  testing::internal::CaptureStderr();
  {
    LoopBubble bubble;
    GoAndThrowInStop(bubble, end, thread, std::logic_error("no more"));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "afterleak: no more\n");
  testing::internal::CaptureStderr();
  {
    LoopBubble bubble;
    GoAndThrowInStop(bubble, end, thread, 42);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("threw what is no std::exception"));
}

// ---- fork

// In a child, which ends with 0 if that is true.
int StatusOfChild(const std::function<bool()>& is_so) {
  const pid_t child = fork();
  if (child == 0) _exit(is_so() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(VirtualWorld, AForkLeavesTheParentInItsBubble) {
  LoopBubble bubble;
  int ticks = 0;
  bubble.Go([&] {
    for (; ticks < 5; ++ticks) std::this_thread::sleep_for(1s);
  });
  bubble.AdvanceTo(1s);
  const std::ptrdiff_t open = OpenDescriptors();
  EXPECT_EQ(StatusOfChild([&] { return OpenDescriptors() <= open; }), 0);
  EXPECT_EQ(OpenDescriptors(), open);
  EXPECT_EQ(time(nullptr), kWallStart + 1);
  bubble.AdvanceTo(10s);
  EXPECT_EQ(ticks, 5);
  EXPECT_EQ(time(nullptr), kWallStart + 10);
}

TEST(VirtualWorld, AChildOfForkSaysItOnce) {
  Pipe errors;
  LoopBubble bubble;
  EXPECT_EQ(StatusOfChild([&] {
              dup2(errors.ends[1], STDERR_FILENO);
              for (int i = 0; i < 3; ++i) time(nullptr);
              return true;
            }),
            0);
  char said[1000] = {};
  EXPECT_GT(read(errors.ends[0], said, sizeof said - 1), 0);
  EXPECT_THAT(said, MatchesRegex("[^\n]* is not in its parent's bubble[^\n]*\n"));
}

// Its threads are not in the child, neither those before nor those after the one that forks.
class ABusyParent : public testing::Test {
 protected:
#ifdef __SANITIZE_THREAD__
  void SetUp() override {
    GTEST_SKIP() << "SKIPPED: ThreadSanitizer lets no child of many threads start one";
  }
#endif
  void ExpectOfChild(const std::function<bool()>& is_so) {
    std::atomic<bool> stop = false;
    std::atomic<bool> all_run = false;
    const auto work = [&] {
      while (!stop) {
      }
    };
    std::thread older(work);
    std::thread parent([&] {
      SpinUntil([&] { return all_run.load(); });
      EXPECT_EQ(StatusOfChild(is_so), 0);
    });
    std::thread younger([&] {
      all_run = true;
      work();
    });
    parent.join();
    stop = true;
    older.join();
    younger.join();
  }
};

TEST_F(ABusyParent, MayHaveAChildWithABubble) {
  ExpectOfChild([] {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    LoopBubble bubble({.stuck_after = 1s});
    bubble.Go([&] {
      std::this_thread::sleep_for(1s);
      const std::lock_guard lock(mutex);
      done = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 1h, [&] { return done; });
    lock.unlock();
    bubble.Finish();
    return done && At(bubble) == 1s;
  });
}

TEST_F(ABusyParent, MayHaveAChildThatSleepsInTheBubbleOfAnother) {
  ExpectOfChild(&SleepsInTheBubbleOfAnother);
}

// In a process that has had no bubble, and no thread.
TEST(VirtualWorldDeathTest, AProcessWithoutABubbleLivesInRealTime) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const bool is_real = time(nullptr) > kWallStart + kDay;
        const bool is_child_real =
            StatusOfChild([] { return time(nullptr) > kWallStart + kDay; }) == 0;
        std::thread([] {}).join();
        _exit(is_real && is_child_real ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(VirtualWorldDeathTest, TheFirstBubbleOfAProcessHasItsMainThread) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const LoopBubble bubble;
        _exit(ProcessorsOf(0));
      },
      testing::ExitedWithCode(1), "");
}

// ---- assertions

class NoTimersLeftInVirtualTime : public testing::Test {
 protected:
  ~NoTimersLeftInVirtualTime() override { close(timer_); }

  void DueIn(std::chrono::milliseconds span) const {
    const auto count = span.count();
    const itimerspec value = {
        .it_interval = {},
        .it_value = {.tv_sec = count / 1000, .tv_nsec = count % 1000 * 1'000'000}};
    ASSERT_EQ(timerfd_settime(timer_, 0, &value, nullptr), 0);
  }
  static const testing::TestInfo& Info() {
    return *testing::UnitTest::GetInstance()->current_test_info();
  }

  LoopBubble bubble_;
  const int timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
};

TEST_F(NoTimersLeftInVirtualTime, PassesWhatWasThereBefore) {
  DueIn(1h);
  NoTimersLeft listener;
  listener.OnTestStart(Info());
  listener.OnTestEnd(Info());
}

TEST_F(NoTimersLeftInVirtualTime, WaitsAsLongAsItsPatienceAndNoLonger) {
  NoTimersLeft listener({}, 1s);
  listener.OnTestStart(Info());
  DueIn(1s);
  listener.OnTestEnd(Info());
  DueIn(1005ms);
  EXPECT_NONFATAL_FAILURE(listener.OnTestEnd(Info()), "left behind: 1 x timerfd_settime");
}

// A timerfd does not tell that it has fired: it is asked when somebody wants to know.
class TheCensusOfTimerfds : public testing::Test {
 protected:
  struct Alive {
    std::int64_t armed = 0;
    std::int64_t idle = 0;
  };
  static Alive CountAlive() {
    Alive alive;
    for (const afterleak::Holding& holding : afterleak::loops::Alive().holdings)
      (holding.state.starts_with("idle") ? alive.idle : alive.armed) += holding.count;
    return alive;
  }

  ~TheCensusOfTimerfds() override {
    for (const int timer : timers_) close(timer);
  }
  void SetUp() override {
    for (long i = 0; i < 3; ++i) {
      const itimerspec value = {.it_interval = {}, .it_value = {.tv_sec = 1 + i, .tv_nsec = 0}};
      timers_.push_back(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
      ASSERT_EQ(timerfd_settime(timers_.back(), 0, &value, nullptr), 0);
    }
    bubble_.AdvanceTo(2s);
  }

  LoopBubble bubble_;
  std::vector<int> timers_;
  const Alive before_ = CountAlive();  // what other tests have left
};

TEST_F(TheCensusOfTimerfds, ReportsThoseThatWait) {
  EXPECT_EQ(bubble_.Report().totals.live, before_.armed + 1);
}

TEST_F(TheCensusOfTimerfds, TellsWhichAreIdle) {
  const Alive now = CountAlive();
  EXPECT_EQ(now.armed, before_.armed + 1);
  EXPECT_EQ(now.idle, before_.idle + 2);
}

TEST_F(TheCensusOfTimerfds, BeginsAWindowWithThoseThatWait) {
  afterleak::loops::NextWindow();
  std::int64_t most = 0;
  for (const auto& site : bubble_.Report().sites) most += site.window_peak_live;
  EXPECT_EQ(most, before_.armed + 1);
}

// ---- what ends

// An object that a bubble's event has captured.
struct Armed {
  Armed() = default;
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
  ~Armed() { close(timer); }
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
};

TEST(VirtualWorldEnd, WhatAnEventHasCapturedMayCloseATimer) {
  for (const Duration instant : {Duration(1s), Duration(1h)}) {  // it runs, or never does
    LoopBubble bubble;
    bubble.At(instant, [armed = std::make_shared<Armed>()] {});
    bubble.AdvanceTo(2s);
  }
}

TEST(VirtualWorldEnd, FinishRethrowsWhatAThreadThrewThatHadEnded) {
  std::atomic<pid_t> tid = 0;
  std::atomic<bool> go = false;
  LoopBubble bubble;
  bubble.Go([&] {
    tid = gettid();
    while (!go) std::this_thread::yield();
    throw std::logic_error("it ends here");
  });
  while (tid == 0) std::this_thread::yield();
  go = true;
  while (syscall(SYS_tgkill, getpid(), tid.load(), 0) == 0) std::this_thread::yield();
  EXPECT_THROW(bubble.Finish(), std::logic_error);
}

TEST(VirtualWorldEnd, FinishWaitsForTheOthersWhateverIsThrown) {
  for (int round = 0; round < 50; ++round) {
    int ended = 0, stopped = 0;
    LoopBubble bubble({.pin = round % 2 == 0});
    bubble.Go([] { std::this_thread::sleep_for(1s), throw std::logic_error("the body"); },
              [&] { ++stopped, throw std::logic_error("the stop function"); });
    bubble.Go([&] { std::this_thread::sleep_for(2s), ++ended; }, [&] { ++stopped; });
    EXPECT_THROW(bubble.Finish(), std::logic_error);
    EXPECT_EQ(stopped, 2);
    EXPECT_EQ(ended, 1);
  }
}

TEST(VirtualWorldEnd, AThreadMayStartAfterFinish) {
  bool ended = false;
  {
    LoopBubble bubble;
    bubble.Finish();
    bubble.Go([&] { std::this_thread::sleep_for(1s), ended = true; });
  }
  EXPECT_TRUE(ended);
}

}  // namespace
