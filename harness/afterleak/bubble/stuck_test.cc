// What cannot go on ends with an error that says who waits where: never with a hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "afterleak/afterleak.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// The bounds are low, because every one of these programs is stuck. The second one is also how long
// a goroutine has to end once it can.
constexpr Bubble::Options kFewTurns{.turns_at_one_instant = 2'000};
constexpr Bubble::Options kShort{.stuck_after = 600ms};

Chan<int> Closed() {
  auto closed = MakeChan<int>();
  closed.Close();
  return closed;
}

// The text of the Stuck that `act` ended in.
template <typename Act>
std::string StuckOf(const Act& act) {
  try {
    act();
  } catch (const Stuck& stuck) {
    return stuck.what();
  }
  return "not stuck";
}

// ---- too many turns at one instant

struct Busy {
  const char* name;
  std::function<void()> body;
};

class TooManyTurns : public testing::TestWithParam<Busy> {};

INSTANTIATE_TEST_SUITE_P(
    Of, TooManyTurns,
    testing::Values(Busy{"ASelectOnAClosedChannel",
                         [] {
                           for (const auto c = Closed();;)
                             Select({Recv(c), Recv(time::After(30s))});
                         }},
                    Busy{"AReceiveFromAClosedChannel",
                         [] {
                           for (const auto c = Closed();;) c.Recv();
                         }},
                    Busy{"ATryThatNeverSucceeds",
                         [] {
                           for (const auto c = MakeChan<int>();;) c.TrySend(1), c.TryRecv();
                         }},
                    Busy{"TheArmingOfTimers",
                         [] {
                           for (;;) std::ignore = time::NewTimer(1s);
                         }},
                    Busy{"TheResetOfATimer",
                         [] {
                           for (const auto timer = time::NewTimer(1s);;) timer.Reset(1s);
                         }},
                    Busy{"TheStartOfGoroutines",
                         [] {
                           for (int i = 0;; ++i) Go([] {});
                         }},
                    Busy{"Gosched",
                         [] {
                           for (;;) Gosched();
                         }},
                    Busy{"Wait",
                         [] {
                           for (;;) Wait();
                         }},
                    Busy{"TwoThatKeepEachOtherBusy",
                         [] {
                           const auto there = MakeChan<int>(), back = MakeChan<int>();
                           Go([=] {
                             for (const int token : there) back.Send(token);
                           });
                           for (;;) there.Send(1), back.Recv();
                         }},
                    Busy{"ACallbackThatArmsItselfAtOnce",
                         [] {
                           std::function<void()> again = [&] { time::AfterFunc(0s, again); };
                           again();
                           Select({});
                         }},
                    Busy{"AnEventThatComesBackAtOnce",
                         [] {
                           std::function<void()> again = [&, &bubble = Bubble::Current()] {
                             bubble.At(bubble.Now(), again);
                           };
                           again();
                           Select({});
                         }},
                    Busy{"AnEventThatSpins",
                         [] {
                           Bubble::Current().At(Time(), [c = MakeChan<int>()] {
                             for (;;) c.TrySend(1);
                           });
                           Select({});
                         }},
                    Busy{"ATryOnAChannelOfAnotherBubble",
                         [] {
                           Chan<int> other;
                           std::thread([&] { other = MakeChan<int>(); }).join();
                           for (;;) other.TryRecv();
                         }}),
    [](const auto& busy) { return std::string(busy.param.name); });

TEST_P(TooManyTurns, EndsAnAdvance) {
  Bubble bubble(kFewTurns);
  bubble.Go(GetParam().body);
  const std::string report = StuckOf([&] { bubble.Advance(1s); });
  EXPECT_THAT(report, StartsWith("time stands still at 0s: 2000 turns"));
  EXPECT_EQ(StuckOf([&] { bubble.Advance(1s); }), report) << "from now on";
  EXPECT_EQ(StuckOf([&] { bubble.Run([] { ADD_FAILURE() << "ran"; }); }), report);
  EXPECT_EQ(bubble.Now(), Time());
  EXPECT_TRUE(bubble.Totals().Conserved());
}

TEST_P(TooManyTurns, EndsARunWhetherItIsMainOrNot) {
  for (const bool in_main : {true, false}) {
    bool unwound = false;
    Bubble bubble(kFewTurns);
    EXPECT_THAT(StuckOf([&] {
                  bubble.Run([&] {
                    const Defer exit([&] { unwound = true; });
                    if (in_main) GetParam().body();
                    Go(GetParam().body);
                    time::Sleep(1s);
                  });
                }),
                StartsWith("time stands still at 0s: 2000 turns"));
    EXPECT_TRUE(unwound);
  }
}

TEST(StuckReport, NamesEveryGoroutineWithItsLineAndTheCensus) {
  Bubble bubble(kFewTurns);
  const auto line = std::source_location::current().line();
  bubble.Go([] { time::Sleep(1h); });
  bubble.Go([] {
    const auto watch = Closed();
    for (;;) Select({Recv(watch), Recv(time::After(30s))});
  });
  bubble.Go([] {});
  const std::string report = StuckOf([&] { bubble.Advance(1s); });
  EXPECT_THAT(report, AllOf(HasSubstr("\ngoroutine 1 [sleep]: " + AtLine(line + 1) + " "),
                            HasSubstr("\ngoroutine 2 [running]: " + AtLine(line + 4) + " "),
                            HasSubstr("\ngoroutine 3 [not yet started]: " + AtLine(line + 6) + " "),
                            HasSubstr(" live, "), HasSubstr("time::After")));
}

TEST(Turns, CountFromZeroAtEveryInstantAndInEveryDrive) {
  Bubble bubble(kFewTurns);
  bubble.Run([] {
    const auto c = Closed();
    for (int instant = 0; instant < 100; ++instant) {
      for (int i = 0; i < 1'900; ++i) c.Recv();
      time::Sleep(1ns);
    }
  });
  for (int drive = 0; drive < 100; ++drive) {
    for (int i = 0; i < 100; ++i) bubble.Go([] {});
    bubble.Advance(0s);
  }
  for (int drive = 0; drive < 100; ++drive) {
    for (int i = 0; i < 100; ++i) bubble.Go([] {});
    bubble.Go([] { throw std::out_of_range("it ends here"); });
    EXPECT_THROW(bubble.Advance(0s), std::out_of_range);
  }
}

TEST(Turns, OfThreadsOutsideDoNotCount) {
  Bubble bubble(kFewTurns);
  const auto c = MakeChan<int>(1);
  for (int i = 0; i < 10'000; ++i) c.TrySend(1), c.TryRecv();
  Chan<int> inside;
  bubble.Run([&] { inside = MakeChan<int>(1); });
  for (int i = 0; i < 10'000; ++i) inside.TrySend(1), inside.TryRecv();
  EXPECT_NO_THROW(bubble.Advance(1s));
}

TEST(Turns, AreWithoutBoundOnTheRealClock) {
  Bubble bubble({.clock = ClockKind::kReal, .turns_at_one_instant = 10});
  bubble.Run([] {
    const auto c = Closed();
    for (int i = 0; i < 20'000; ++i) c.Recv();
  });
}

// ---- nobody calls the run-time

// A std::mutex that a sleeping goroutine holds. Every other one of the virtual bubble waits for it
// outside of the run-time, where no time can pass.
TEST(StuckOutside, OnAMutexThatASleepingGoroutineHolds) {
  std::mutex mutex;
  std::vector<std::string> trace;
  {
    Bubble bubble(kShort);
    const auto line = std::source_location::current().line();
    bubble.Go([&] {
      const std::lock_guard lock(mutex);
      const Defer exit([&] { trace.push_back("the holder"); });
      time::Sleep(1s);
    });
    bubble.Go([&] {
      Gosched();
      const std::lock_guard lock(mutex);
      trace.push_back("the other one");
      time::Sleep(1s);
      ADD_FAILURE() << "ran on";
    });
    EXPECT_THAT(StuckOf([&] { bubble.Advance(1h); }),
                AllOf(StartsWith("time stands still at 0s: what is running has not called the "
                                 "run-time, because it spins or waits for something else, such as "
                                 "a std::mutex, for 600ms (Options::stuck_after)\n"),
                      HasSubstr("goroutine 1 [sleep]: " + AtLine(line + 4)),
                      HasSubstr("goroutine 2 [running]: " + AtLine(line + 7)),
                      HasSubstr("census at 0s: 0 live")));
    EXPECT_THROW(bubble.Advance(1h), Stuck);
  }
  EXPECT_THAT(trace, testing::ElementsAre("the holder", "the other one"))
      << "the end of the bubble unwinds the holder, which frees the other one";
}

TEST(StuckOutside, IsThrownFromARunWhoseMainIsBlocked) {
  std::mutex mutex;
  std::string while_unwound;
  Bubble bubble(kShort);
  EXPECT_THAT(StuckOf([&] {
                bubble.Run([&] {
                  const std::lock_guard lock(mutex);
                  const Defer exit([&] { while_unwound = ToString(bubble.Goroutines()); });
                  Go([] { time::Sleep(1h); });  // it looks after others, but main does so itself
                  Go([&] { const std::lock_guard other(mutex); });
                  time::Sleep(1s);
                });
              }),
              HasSubstr("goroutine 1 [sleep]"));
  EXPECT_THAT(while_unwound, HasSubstr("goroutine 1 [running]"));
}

// Nobody but main tells it, though a thread that is idle has looked for longer.
TEST(StuckOutside, IsThrownFromARunWhereAThreadIsIdle) {
  std::mutex mutex;
  Bubble bubble(kShort);
  EXPECT_THROW(bubble.Run([&] {
    const std::lock_guard lock(mutex);
    Go([] { Gosched(); });
    Go([] {});
    Wait();  // both have ended, and each has a thread
    std::this_thread::sleep_for(100ms);
    Go([&] {
      Gosched();
      const std::lock_guard other(mutex);
    });
    time::Sleep(1s);
  }),
               Stuck);
}

TEST(StuckOutside, IsToldOnceWithTheFirstReason) {
  std::atomic<bool> stop = false;
  Bubble bubble({.turns_at_one_instant = 2'000, .stuck_after = 600ms});
  bubble.Go([&] {
    const auto c = Closed();
    for (int i = 0; i < 3'000; ++i) c.Recv();
    while (!stop) std::this_thread::yield();
  });
  EXPECT_THAT(StuckOf([&] { bubble.Advance(1s); }), StartsWith("time stands still at 0s: 2000"));
  stop = true;
  while (!bubble.Goroutines().empty()) std::this_thread::yield();
}

TEST(StuckOutside, IsNothingWhereTheBoundIsAsGoodAsNone) {
  for (const Duration bound : {Duration::max(), Duration::max() / 2}) {
    Bubble bubble({.stuck_after = bound});
    bubble.Run([] {
      Go([] { std::this_thread::sleep_for(1ms); });
      time::Sleep(1s);
    });
  }
}

// It has main's thread looked after.
TEST(StuckOutside, NeedsOneThreadForManyRuns) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  Bubble bubble;
  for (int i = 0; i < 100; ++i) bubble.Run([] {});
  EXPECT_LT(threads(), before + 50);
}

TEST(StuckOutside, IsThrownFromARunWhoseMainHasNotBegunOrYields) {
  for (const bool yields : {false, true}) {
    std::atomic<bool> stop = false;
    Bubble bubble(kShort);
    const auto spin = [&] {
      while (!stop) std::this_thread::yield();
    };
    if (!yields) bubble.Go(spin);
    EXPECT_THROW(bubble.Run([&] {
      ASSERT_TRUE(yields);
      Go(spin);
      Gosched();
      ADD_FAILURE() << "ran on";
    }),
                 Stuck);
    stop = true;
    while (!bubble.Goroutines().empty()) std::this_thread::yield();
  }
}

TEST(StuckOutside, IsNothingThatCallsOrLetsTimeMove) {
  Bubble bubble({.stuck_after = 300ms});
  bubble.Run([] {
    Go([] {
      for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(50ms);
        Gosched();
      }
    });
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(50ms);
      time::Sleep(1s);
    }
  });
}

TEST(StuckOutsideDeathTest, MainItselfEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto stuck = [] {
    std::mutex mutex;
    Bubble bubble(kShort);
    bubble.Run([&] {
      Go([&] {
        const std::lock_guard lock(mutex);
        time::Sleep(1s);
      });
      Gosched();
      const std::lock_guard lock(mutex);
    });
  };
  EXPECT_DEATH(stuck(), "time stands still at 0s: .*std::mutex.*\n.*goroutine . .sleep.");
}

void Spin() {
  for (volatile bool forever = true; forever;) {
  }
}

// No goroutine is blocked that could tell.
TEST(StuckOutsideDeathTest, MainAloneToo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Bubble(kShort).Run(Spin),
               "time stands still at 0s: .*because it spins.*\ngoroutine 1 .running.");
  const auto later = [] {
    Go([] {});
    time::Sleep(1s);  // the thread of the goroutine is idle after that
    Spin();
  };
  EXPECT_DEATH(Bubble(kShort).Run(later), "time stands still at 1s: ");
}

TEST(StuckOutsideDeathTest, AnEventAloneToo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const bool first : {true, false}) {
    const auto stuck = [first] {
      Bubble bubble(kShort);
      if (!first) bubble.Advance(0s);
      bubble.At(Time(1ms), Spin);
      bubble.Advance(1s);
    };
    EXPECT_DEATH(stuck(), "time stands still at 1ms: an event .* has not returned for 600ms");
  }
}

TEST(StuckOutside, AnEventToo) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    std::mutex mutex;
    mutex.lock();
    Bubble bubble({.clock = clock, .stuck_after = 600ms});
    bubble.Go([] { time::Sleep(1s); });
    bubble.Advance(0s);
    bubble.At(Time(1ms), [&] { const std::lock_guard lock(mutex); });
    if (clock == ClockKind::kVirtual) bubble.Go([] { time::Sleep(1h); });
    EXPECT_THAT(StuckOf([&] { bubble.Advance(10ms); }), HasSubstr("an event (At or SampleAt)"));
    mutex.unlock();
  }
}

// ---- the end of a bubble

// What is printed to standard error meanwhile.
std::string Printed(const std::function<void()>& act) {
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

TEST(StuckEnd, OfAGoroutineThatNeverBlocksIsAtOneOfItsCalls) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    std::atomic<bool> runs = false, unwound = false;
    const auto line = std::source_location::current().line();
    const std::string printed = Printed([&] {
      Bubble bubble({.clock = clock});
      bubble.Go([&] {
        const Defer exit([&] { unwound = true; });
        if (clock == ClockKind::kVirtual) time::Sleep(1h);
        for (const auto c = Closed();; runs = true) c.Recv();
      });
      if (clock == ClockKind::kVirtual) return bubble.Advance(0s);
      while (!runs) std::this_thread::yield();
    });
    EXPECT_TRUE(unwound);
    EXPECT_THAT(printed, clock == ClockKind::kVirtual
                             ? std::string()
                             : "afterleak: a bubble ends, and goroutine 1 has not blocked in 10000 "
                               "calls: it is unwound at " +
                                   AtLine(line + 6) + "\n");
  }
}

TEST(StuckEnd, IsToldOnceOfAGoroutineThatGoesOnAllTheSame) {
  std::atomic<bool> runs = false;
  const std::string printed = Printed([&] {
    Bubble bubble(Bubble::Options{.clock = ClockKind::kReal});
    bubble.Go([&] {
      const auto c = Closed();
      for (int caught = 0; caught < 3;) {
        try {
          for (;; runs = true) c.Recv();
        } catch (...) {
          ++caught;
        }
      }
    });
    while (!runs) std::this_thread::yield();
  });
  EXPECT_THAT(printed, AllOf(StartsWith("afterleak: a bubble ends, and goroutine 1 has not "),
                             EndsWith("\n")));
  EXPECT_EQ(std::ranges::count(printed, '\n'), 1);
}

TEST(StuckEnd, OfWhatIsUnwoundBeforeItsBubbleEndsPrintsNothing) {
  EXPECT_THAT(Printed([] {
                Bubble bubble(kFewTurns);
                bubble.Go([] {
                  for (const auto c = Closed();;) c.Recv();
                });
                EXPECT_THROW(bubble.Advance(1s), Stuck);
              }),
              IsEmpty());
}

TEST(StuckEnd, ADestructorIsNotUnwoundHoweverMuchItSends) {
  int sent = 0;
  {
    Bubble bubble;
    bubble.Go([&] {
      const auto c = MakeChan<int>(20'000);
      const Defer send([&, c] {
        while (c.TrySend(1)) ++sent;
      });
      Select({});
    });
    bubble.Advance(0s);
  }
  EXPECT_EQ(sent, 20'000);
}

TEST(StuckEnd, ADestructorMayStillSendAndClose) {
  std::atomic<bool> ending = false, runs = false;
  int sent = 0;
  {
    Bubble bubble({.clock = ClockKind::kReal});
    bubble.Go([&] {
      const Defer exit([&] { ending = true; });
      Select({});
    });
    bubble.Go([&] {
      const auto c = MakeChan<int>(1'000);
      const Defer send([&, c] {
        while (c.TrySend(1)) ++sent;
        c.Close();
      });
      runs = true;
      while (!ending) std::this_thread::yield();
    });
    while (!runs) std::this_thread::yield();
    bubble.Advance(1ms);
  }
  EXPECT_EQ(sent, 1'000);
}

TEST(StuckEnd, OfAGoroutineThatDoesNotEvenCallLeavesItBehind) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    const auto stop = std::make_shared<std::atomic<bool>>(false);
    const auto alive = std::make_shared<int>();
    std::atomic<int> running = 0;
    bool unwound = false;
    const std::string printed = Printed([&] {
      Bubble bubble({.clock = clock, .stuck_after = 60ms});
      bubble.Go([&] {
        const Defer exit([&] { unwound = true; });
        ++running;
        Select({});
      });
      bubble.Go([stop, alive, &running] {
        ++running;
        while (!*stop) std::this_thread::yield();
        const Time now = time::Now();  // of a bubble that has ended
        EXPECT_LE(now, Bubble::Current().Now());
        Go([] { ADD_FAILURE() << "ran"; });
        time::After(1s).Recv();
        ADD_FAILURE() << "ran on";
      });
      if (clock == ClockKind::kVirtual) {
        EXPECT_THROW(bubble.Advance(1s), Stuck);
      } else {
        while (running < 2) std::this_thread::yield();
      }
    });
    EXPECT_TRUE(unwound) << "the others end as always";
    EXPECT_THAT(printed, AllOf(StartsWith("afterleak: a bubble ends, but not what still runs"),
                               HasSubstr("\ngoroutine 2 [running]: ")));
    *stop = true;
    while (alive.use_count() > 1) std::this_thread::yield();  // it ends at its next wait
  }
}

TEST(StuckEnd, WhatIsLeftBehindCountsNoMore) {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  const auto alive = std::make_shared<int>();
  std::ignore = Printed([&] {
    Bubble bubble({.stuck_after = 60ms});
    bubble.Go([stop, alive] {
      while (!*stop) std::this_thread::yield();
      context::WithTimeout(context::Background(), 1h).second();
      time::NewTimer(1h).Stop();
      for (const Resource resource : {Resource::kTimer, Resource::kGoroutine}) {
        const CensusTotals totals = Bubble::Current().Totals(resource);
        EXPECT_EQ(totals.live, resource == Resource::kGoroutine ? 1 : 0);
        EXPECT_EQ(totals.stopped, 0);
      }
      time::Sleep(1s);
      ADD_FAILURE() << "ran on";
    });
    EXPECT_THROW(bubble.Advance(1s), Stuck);
  });
  *stop = true;
  while (alive.use_count() > 1) std::this_thread::yield();
}

TEST(StuckEnd, OfAnEventThatDoesNotReturnLeavesItBehind) {
  const auto mutex = std::make_shared<std::mutex>();
  mutex->lock();
  EXPECT_THAT(Printed([&] {
                std::atomic<bool> runs = false;
                Bubble bubble({.clock = ClockKind::kReal, .stuck_after = 60ms});
                bubble.At(Time(), [&runs, mutex] {
                  runs = true;
                  const std::lock_guard lock(*mutex);
                });
                while (!runs) std::this_thread::yield();
              }),
              EndsWith("an event (At or SampleAt)\n"));
  mutex->unlock();
  while (mutex.use_count() > 1) std::this_thread::yield();
}

// ---- interrupt

TEST(InterruptOfTheBusy, EndsWhatKeepsItselfOrEachOtherBusy) {
  const std::function<void(std::atomic<int>&)> bodies[] = {[](std::atomic<int>& turns) {
                                                             for (const auto c = Closed();; ++turns)
                                                               c.Recv();
                                                           },
                                                           [](std::atomic<int>& turns) {
                                                             const auto there = MakeChan<int>(),
                                                                        back = MakeChan<int>();
                                                             Go([=] {
                                                               for (const int token : there)
                                                                 back.Send(token);
                                                             });
                                                             for (;; ++turns)
                                                               there.Send(1), back.Recv();
                                                           },
                                                           [](std::atomic<int>& turns) {
                                                             for (;; ++turns) Gosched();
                                                           }};
  for (const auto& body : bodies) {
    for (const char* how : {"advance", "run in main", "run beside main"}) {
      std::atomic<int> turns = 0;
      bool unwound = false;
      Bubble bubble({.turns_at_one_instant = ~0ull});
      std::thread other([&] {
        while (turns < 100) std::this_thread::yield();
        bubble.Interrupt();
      });
      if (how == std::string("advance")) {
        bubble.Go([&] { body(turns); });
        bubble.Advance(1s);
      } else {
        bubble.Run([&] {
          const Defer exit([&] { unwound = true; });
          if (how == std::string("run in main")) body(turns);
          Go([&] { body(turns); });
          time::Sleep(1s);
          ADD_FAILURE() << "ran on";
        });
        EXPECT_TRUE(unwound);
      }
      other.join();
      EXPECT_EQ(bubble.Now(), Time());
    }
  }
}

TEST(InterruptOfTheBusy, LetsTheEventThatAskedForItFinish) {
  bool sent = false;
  Bubble bubble;
  bubble.At(Time(1s), [&] {
    const auto c = MakeChan<int>(1);
    bubble.Interrupt();
    sent = c.TrySend(1);
  });
  bubble.Advance(1h);
  EXPECT_TRUE(sent);
  EXPECT_EQ(bubble.Now(), Time(1s));
}

TEST(InterruptOfTheBusy, EndsAMainOnTheRealClock) {
  std::atomic<int> turns = 0;
  Bubble bubble({.clock = ClockKind::kReal});
  std::thread other([&] {
    while (turns < 100) std::this_thread::yield();
    bubble.Interrupt();
  });
  bubble.Run([&] {
    for (const auto c = Closed();; ++turns) c.Recv();
  });
  other.join();
}

// ---- channels of another bubble, and two Waits

TEST(Elsewhere, AVirtualGoroutineMustNotBlock) {
  const auto line = std::source_location::current().line();
  const auto other = MakeChan<int>(1);
  Bubble bubble;
  bubble.Run([&] {
    EXPECT_TRUE(other.TrySend(1));
    EXPECT_EQ(other.Recv(), 1) << "without waiting";
    EXPECT_EQ(PanicOf([&] { other.Recv(); }),
              "chan receive at " + AtLine(line + 6) + ", on a channel of another bubble, made at " +
                  AtLine(line + 1) + ": virtual time would stand still");
    const auto timer = time::NewTimer(1s);
    Bubble inner;
    inner.Run([&] {
      EXPECT_THAT(PanicOf([&] { Select({Recv(timer.C())}); }),
                  HasSubstr("made with a timer or a context: virtual time"));
    });
    Bubble real({.clock = ClockKind::kReal});
    real.Run([&] { EXPECT_THAT(PanicOf([&] { timer.C().Recv(); }), HasSubstr("another bubble")); });
  });
}

TEST(Elsewhere, AGoroutineOfARealBubbleMayBlockInAnother) {
  const auto other = MakeChan<int>();
  Bubble bubble({.clock = ClockKind::kReal});
  bubble.Run([&] {
    Go([&] { other.Send(7); });
    EXPECT_EQ(other.Recv(), 7);
  });
}

TEST(TwoWaits, AreRefusedAndOneAfterTheOtherIsNot) {
  Bubble bubble;
  bubble.Run([] {
    const auto second = MakeChan<std::string>(1);
    Go([=] { second.Send(PanicOf([] { Wait(); })); });
    Wait();
    EXPECT_EQ(second.TryRecv(), "wait already in progress");
    time::Sleep(1s);
    Wait();
  });
}

}  // namespace
}  // namespace afterleak
