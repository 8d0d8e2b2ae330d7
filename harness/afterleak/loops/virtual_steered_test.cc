// The time of a whole program, which somebody outside lets pass: each of these is a process.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>

#include "afterleak/loops/virtual_world.h"

namespace {

using afterleak::Duration;
using afterleak::loops::internal::Steering;
using afterleak::loops::internal::World;
using testing::ExitedWithCode;
using namespace std::chrono_literals;

// What lets the time of this process pass, as `afterleak watch --virtual` does: so far, and then it
// ends with 0 if that is where `is_right`.
Steering::Stretch stretch;
bool (*is_right)() = nullptr;
std::atomic<std::int64_t> now = 0;
constexpr Steering kSteering = {
    .next = [] { return stretch; },
    .passed = [] { _exit(now == stretch.until.time_since_epoch().count() && is_right() ? 0 : 1); },
    .refused =
        [](const char* line) {
          std::fprintf(stderr, "refused: %s\n", line);
          _exit(2);
        },
    .now = &now};

void Begin(Duration from, Duration until, bool when_idle, bool (*right)()) {
  now = from.count();
  stretch = {.until = afterleak::Time(until), .when_idle = when_idle};
  is_right = right;
  World::Get().Steer(kSteering);
}

Duration SinceStart() { return std::chrono::steady_clock::now().time_since_epoch() - 1'000'000s; }

std::atomic<int> ticks = 0;
[[noreturn]] void Tick() {
  for (;;) {
    std::this_thread::sleep_for(3s);
    ++ticks;
  }
}

class VirtualSteeredDeathTest : public testing::Test {
 protected:
  VirtualSteeredDeathTest() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

TEST_F(VirtualSteeredDeathTest, TheTimeOfAProgramPassesAsFarAsItIsLet) {
  EXPECT_EXIT(
      {
        Begin(1000s, 4600s, false, [] { return ticks == 1200; });
        if (SinceStart() != 1000s) _exit(3);
        Tick();
      },
      ExitedWithCode(0), "");
}

TEST_F(VirtualSteeredDeathTest, TimePassesInAProgramThatWaitsForNothingIfItShall) {
  EXPECT_EXIT(
      {
        int never[2];
        if (pipe(never) != 0) _exit(3);
        Begin(0s, 4600s, true, [] { return ticks == 0; });
        pollfd polled{};
        polled.fd = never[0];
        polled.events = POLLIN;
        poll(&polled, 1, -1);
      },
      ExitedWithCode(0), "");
}

TEST_F(VirtualSteeredDeathTest, TimeStandsStillWhileAProgramWaitsForTheOutside) {
  EXPECT_EXIT(
      {
        int ends[2];
        if (pipe(ends) != 0) _exit(3);
        if (fork() == 0) {
          usleep(700'000);
          _exit(write(ends[1], "x", 1) == 1 ? 0 : 3);
        }
        Begin(0s, 60s, false, [] { return ticks == 20; });
        for (int i = 0; i < 24; ++i) {  // it may have read the clock often before
          for (int read = 0; read < 50'000; ++read) SinceStart();
          std::thread([] {}).join();
        }
        char byte;
        if (read(ends[0], &byte, 1) != 1 || SinceStart() != 0s) _exit(3);
        Tick();
      },
      ExitedWithCode(0), "");
}

std::atomic<Duration> waited{-1s};

TEST_F(VirtualSteeredDeathTest, AChildProcessThatAProgramWaitsForHoldsItsTime) {
  EXPECT_EXIT(
      {
        Begin(0s, 60s, false, [] { return ticks == 20 && waited.load() == 0s; });
        std::thread([] {
          const pid_t child = fork();
          if (child == 0) {
            usleep(50'000);
            _exit(0);
          }
          waitpid(child, nullptr, 0);
          waited = SinceStart();
        }).detach();
        Tick();
      },
      ExitedWithCode(0), "");
}

TEST_F(VirtualSteeredDeathTest, WhatLetsTimePassTakesNoSignalOfTheProgram) {
  EXPECT_EXIT(
      {
        sigset_t ours;
        Begin(0s, 60s, false, [] { return ticks == 20; });
        pthread_sigmask(SIG_SETMASK, nullptr, &ours);
        for (const int number : {SIGUSR1, SIGTERM, SIGINT}) {
          if (sigismember(&ours, number) != 0) _exit(3);
          sigaddset(&ours, number);
        }
        pthread_sigmask(SIG_SETMASK, &ours, nullptr);
        for (const int number : {SIGUSR1, SIGTERM, SIGINT}) kill(getpid(), number);
        Tick();
      },
      ExitedWithCode(0), "");
}

}  // namespace
