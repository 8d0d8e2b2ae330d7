#include "afterleak/bubble/bubble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "afterleak/go/chan.h"
#include "afterleak/go/defer.h"
#include "afterleak/go/select.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What goroutines record. Declare it before their bubble, whose end may still
// run their destructors.
using Trace = std::vector<std::string>;

// ---- virtual time

TEST(VirtualTime, StandsStillWhileAnyGoroutineCanRun) {
  Bubble bubble;
  bubble.Run([] {
    Go([] { time::Sleep(1ns); });
    for (int i = 0; i < 1000; ++i) {
      Gosched();
      ASSERT_EQ(time::Now(), Time());
    }
  });
  EXPECT_EQ(bubble.Now(), Time());
}

TEST(VirtualTime, MovesStraightToTheNextDeadlineWhenAllAreBlocked) {
  std::vector<Time> woken;
  Bubble bubble;
  bubble.Run([&] {
    Go([&] { time::Sleep(1h), woken.push_back(time::Now()); });
    time::Sleep(3s), woken.push_back(time::Now());
    time::Sleep(2h), woken.push_back(time::Now());
  });
  EXPECT_THAT(woken, ElementsAre(Time(3s), Time(1h), Time(2h + 3s)));
}

TEST(VirtualTime, AdvanceToEndsExactlyThereAndServesWhatIsDueThere) {
  int fired = 0;
  Bubble bubble;
  bubble.Go([&] {
    for (const Duration delay : {1s, 2s, 3s}) time::AfterFunc(delay, [&] { ++fired; });
  });
  bubble.AdvanceTo(2s);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(bubble.Now(), Time(2s));
  bubble.Advance(1s - 1ns);
  EXPECT_EQ(fired, 2);
  bubble.Advance(1ns);
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(bubble.Now(), Time(3s));
}

TEST(VirtualTime, PassesWithoutAnythingToDoAndNeverGoesBack) {
  Bubble bubble;
  bubble.AdvanceTo(5s);
  bubble.AdvanceTo(2s);
  bubble.Advance(-1s);
  EXPECT_EQ(bubble.Now(), Time(5s));
}

TEST(VirtualTime, ReachesTheEndOfTimeAndNeverFiresWhatIsDueThere) {
  bool fired = false;
  Bubble bubble;
  bubble.Go([&] { time::AfterFunc(Duration::max(), [&] { fired = true; }); });
  bubble.Advance(Duration::max());
  bubble.Advance(1s);
  EXPECT_EQ(bubble.Now(), Time::max());
  EXPECT_FALSE(fired);
}

// ---- the order of things at one instant

TEST(Instant, TimersComeBeforeGoroutinesThenEventsAndSamplesLast) {
  Trace trace;
  Bubble bubble;
  bubble.SampleAt(Time(1s), [&] { trace.push_back("sample"); });
  bubble.At(Time(1s), [&] { trace.push_back("event"); });
  bubble.Go([&] {
    const auto both = [&](const char* name) {
      const auto timer = time::After(1s);
      Go([&trace, timer, name] { timer.Recv(), trace.push_back(name); });
    };
    time::AfterFunc(1s, [&] { trace.push_back("callback"); });
    both("first");
    both("second");
    time::Sleep(1s), trace.push_back("sleeper");
  });
  bubble.AdvanceTo(1s);
  EXPECT_THAT(trace, ElementsAre("callback", "first", "second", "sleeper", "event", "sample"));
}

TEST(Instant, EveryTimerOfTheInstantFiresBeforeAnyGoroutineRunsOn) {
  Bubble bubble;
  bubble.Run([] {
    const auto a = time::After(1s), b = time::After(1s);
    a.Recv();
    EXPECT_EQ(b.Len(), 1u);
  });
}

TEST(Instant, EventsComeInOrderEachAfterWhatTheOneBeforeSetOff) {
  Trace trace;
  Bubble bubble;
  bubble.Run([&] {
    const auto c = MakeChan<std::string>();
    Go([&, c] {
      for (const auto& message : c) {
        trace.push_back("got " + message);
        time::AfterFunc(0s, [&] { trace.push_back("at once"); });
      }
    });
    for (const char* name : {"one", "two"}) {
      Bubble::Current().At(Time(1s), [&, c, name] {
        trace.push_back(name);
        EXPECT_TRUE(c.TrySend(name));
      });
    }
    Bubble::Current().SampleAt(Time(1s), [&] { trace.push_back("sample"); });
    Bubble::Current().At(Time(1s), [&] { trace.push_back("three"); });
    time::Sleep(1s);
  });
  EXPECT_THAT(trace, ElementsAre("one", "got one", "at once", "two", "got two", "at once", "three",
                                 "sample"));
}

TEST(Instant, AnEventInThePastComesAtOnce) {
  Bubble bubble;
  bubble.AdvanceTo(5s);
  Time ran = Time::max();
  bubble.At(Time(1s), [&] { ran = bubble.Now(); });
  bubble.Advance(0s);
  EXPECT_EQ(ran, Time(5s));
}

TEST(Instant, ASampleSeesEveryGoroutineBlocked) {
  bool busy = false;
  int samples = 0;
  Bubble bubble;
  bubble.Go([&] {
    for (;;) {
      busy = true;
      for (int i = 0; i < 10; ++i) Gosched();
      busy = false;
      time::Sleep(1s);
    }
  });
  for (int t = 0; t <= 5; ++t) bubble.SampleAt(t * 1s, [&] { samples += !busy; });
  bubble.AdvanceTo(5s);
  EXPECT_EQ(samples, 6);
}

TEST(Instant, EventsSamplesAndSleepersShowInNoCensus) {
  Bubble bubble;
  bubble.At(Time(1s), [] {});
  bubble.SampleAt(Time(1s), [&] { EXPECT_EQ(bubble.Totals().live, 0); });
  bubble.Go([] { time::Sleep(1h); });
  bubble.AdvanceTo(2s);
  EXPECT_EQ(bubble.Totals().armed, 0);
}

TEST(Instant, EventsAndSamplesMustNotBlock) {
  std::vector<std::string> panics;
  Bubble bubble;
  const auto try_to_block = [&] {
    panics.push_back(PanicOf([] { time::Sleep(1s); }));
    panics.push_back(PanicOf([] { MakeChan<int>().Recv(); }));
    panics.push_back(PanicOf([] { Wait(); }));
    panics.push_back(PanicOf([] { Gosched(); }));
  };
  bubble.At(Time(), try_to_block);
  bubble.SampleAt(Time(), try_to_block);
  bubble.Advance(1s);
  EXPECT_EQ(panics.size(), 8u);
  EXPECT_THAT(panics, testing::Each("an event or a sample of a bubble must not block"));
}

// ---- goroutines

TEST(Goroutine, RunsAtTheNextDriveInOrderOfStartAndNotBefore) {
  Trace trace;
  Bubble bubble;
  for (const char* name : {"a", "b", "c"}) bubble.Go([&, name] { trace.push_back(name); });
  EXPECT_THAT(trace, IsEmpty());
  bubble.Run([&] { trace.push_back("main"); });
  EXPECT_THAT(trace, ElementsAre("a", "b", "c", "main"));
}

TEST(Goroutine, StartedByAGoroutineRunsWhenItsStarterBlocks) {
  Trace trace;
  Bubble().Run([&] {
    Go([&] { trace.push_back("child"); });
    trace.push_back("starter");
    Gosched();
    trace.push_back("starter again");
  });
  EXPECT_THAT(trace, ElementsAre("starter", "child", "starter again"));
}

TEST(Goroutine, GoschedLetsAllThatCanRunGoFirst) {
  Trace trace;
  Bubble().Run([&] {
    for (const char* name : {"a", "b"}) {
      Go([&, name] {
        for (int i = 0; i < 2; ++i) trace.push_back(name), Gosched();
      });
    }
    for (int i = 0; i < 2; ++i) Gosched(), trace.push_back("main");
  });
  EXPECT_THAT(trace, ElementsAre("a", "b", "main", "a", "b", "main"));
}

TEST(Goroutine, RunsWhatCannotBeCopied) {
  std::vector<int> got;
  Bubble bubble;
  bubble.Go([value = std::make_unique<int>(1), &got] { got.push_back(*value); });
  bubble.Run([&] { Go([value = std::make_unique<int>(2), &got] { got.push_back(*value); }); });
  EXPECT_EQ(got, (std::vector{1, 2}));
}

TEST(Goroutine, NumGoroutineCountsThoseThatHaveNotEnded) {
  Bubble().Run([] {
    EXPECT_EQ(NumGoroutine(), 1);
    Go([] { time::Sleep(1s); });
    Go([] { time::Sleep(2s); });
    EXPECT_EQ(NumGoroutine(), 3) << "whether or not they have begun";
    time::Sleep(1500ms);
    EXPECT_EQ(NumGoroutine(), 2);
    time::Sleep(1s);
    EXPECT_EQ(NumGoroutine(), 1);
  });
}

TEST(Goroutine, WaitReturnsWhenAllOthersAreBlockedAndTimeHasNotMoved) {
  int progress = 0;
  Bubble().Run([&] {
    Go([&] {
      for (int i = 0; i < 50; ++i) ++progress, Gosched();
      time::AfterFunc(0s, [&] { ++progress; });
      time::Sleep(1s);
      ++progress;
    });
    Wait();
    EXPECT_EQ(progress, 51);
    EXPECT_EQ(time::Now(), Time());
  });
}

TEST(Goroutine, WaitReturnsAfterTheEventsOfTheInstantAlsoThoseThatComeLater) {
  bool event = false;
  Bubble().Run([&] {
    Go([&] { Bubble::Current().At(time::Now(), [&] { event = true; }); });
    Wait();
    EXPECT_TRUE(event);
  });
}

TEST(Goroutine, TwoWaitsAtOnceAreRefusedAndOneAfterTheOtherAreNot) {
  std::string refused;
  Bubble().Run([&] {
    Go([&] { refused = PanicOf([] { Wait(); }); });
    Wait();
    EXPECT_EQ(refused, "wait already in progress");
    Wait();
  });
}

TEST(Goroutine, WaitNeedsAVirtualBubble) {
  EXPECT_EQ(PanicOf([] { Wait(); }), "Wait needs a virtual bubble");
}

TEST(Goroutine, AThousandOfThemPassATokenRound) {
  Bubble bubble;
  bubble.Run([] {
    const auto first = MakeChan<int>();
    auto in = first;
    for (int i = 0; i < 1000; ++i) {
      const auto out = MakeChan<int>();
      Go([in, out] {
        for (const int token : in) time::Sleep(1ms), out.Send(token + 1);
        out.Close();
      });
      in = out;
    }
    first.Send(0);
    EXPECT_EQ(in.Recv(), 1000);
    EXPECT_EQ(time::Now(), Time(1s));
    first.Close();
    EXPECT_EQ(in.Recv(), std::nullopt);
  });
  EXPECT_EQ(ToString(bubble.Goroutines()), "") << "all have ended";
}

TEST(Goroutine, RunReturnsWithMainAndLeavesTheOthersToTheNextDrive) {
  Trace trace;
  Bubble bubble;
  bubble.Run([&] {
    Go([&] { trace.push_back("of this instant"); });
    Go([&] { time::Sleep(1s), trace.push_back("later"); });
  });
  EXPECT_THAT(trace, ElementsAre("of this instant"));
  EXPECT_EQ(bubble.Now(), Time());
  bubble.Run([&] { time::Sleep(2s), trace.push_back("second main"); });
  EXPECT_THAT(trace, ElementsAre("of this instant", "later", "second main"));
}

TEST(Goroutine, TheListOfThemTellsWhatEachWaitsForAndWhere) {
  Bubble bubble;
  const auto line = std::source_location::current().line();
  bubble.Go([] { time::Sleep(1s); });
  bubble.Go([] { MakeChan<int>().Send(1); });
  bubble.Advance(0s);
  bubble.Go([] {});
  const auto where = [&](std::uint_least32_t offset) {
    return std::string(std::source_location::current().file_name()) + ":" +
           std::to_string(line + offset) + " ";
  };
  const std::string list = ToString(bubble.Goroutines());
  EXPECT_THAT(list, HasSubstr("goroutine 1 [sleep]: " + where(1)));
  EXPECT_THAT(list, HasSubstr("goroutine 2 [chan send]: " + where(2)));
  EXPECT_THAT(list, HasSubstr("goroutine 3 [not yet started]: " + where(4)));
}

// ---- deadlock

TEST(DeadlockReport, ListsEveryGoroutineWithItsLine) {
  Bubble bubble;
  std::uint_least32_t line = 0;
  const std::string report = PanicOf([&] {
    bubble.Run([&] {
      line = std::source_location::current().line();
      Go([] { MakeChan<int>().Recv(); });
      Go([] { Select({Recv(MakeChan<int>()), Recv(MakeChan<int>())}); });
      time::Sleep(3s);
      MakeChan<int>().Send(1);
    });
  });
  EXPECT_THAT(report, testing::StartsWith("all goroutines are asleep - deadlock! (at 3s)\n"));
  const char* waits[] = {"2 [chan receive]", "3 [select]", "1 [chan send]"};
  for (std::uint_least32_t i = 0; i < 3; ++i) {
    EXPECT_THAT(report, HasSubstr("goroutine " + std::string(waits[i]) + ": " +
                                  std::source_location::current().file_name() + ":" +
                                  std::to_string(line + (i == 2 ? 4 : i + 1)) + " "));
  }
}

TEST(DeadlockReport, UnwindsMainOnlyAndTheBubbleGoesOn) {
  Trace trace;
  Bubble bubble;
  const auto run = [&] {
    bubble.Run([&] {
      const Defer unwound([&] { trace.push_back("main unwound"); });
      Go([&] {
        const Defer other([&] { trace.push_back("other unwound"); });
        Select({});
      });
      Select({});
    });
  };
  EXPECT_THROW(run(), Deadlock);
  EXPECT_THAT(trace, ElementsAre("main unwound"));
  int ran = 0;
  bubble.Run([&] { time::Sleep(1s), ++ran; });
  EXPECT_EQ(ran, 1);
  EXPECT_THROW(run(), Deadlock);
}

TEST(DeadlockReport, APendingSampleDoesNotHoldItOffButAnEventDoes) {
  int samples = 0;
  Bubble bubble;
  bubble.SampleAt(Time(9s), [&] { ++samples; });
  EXPECT_THROW(bubble.Run([] { Select({}); }), Deadlock);
  EXPECT_EQ(samples, 0);
  bubble.Run([&] {
    const auto c = MakeChan<int>();
    bubble.At(Time(10s), [c] { c.TrySend(7); });
    EXPECT_EQ(c.Recv(), 7);
  });
  EXPECT_EQ(samples, 1);
}

TEST(DeadlockReport, ATimerThatNeverFiresIsNoHope) {
  EXPECT_THROW(Bubble().Run([] { time::After(Duration::max()).Recv(); }), Deadlock);
}

TEST(DeadlockReport, AdvanceHasNoMainThatCouldHang) {
  Bubble bubble;
  bubble.Go([] { Select({}); });
  EXPECT_NO_THROW(bubble.AdvanceTo(1h));
}

// ---- exceptions

TEST(Failure, OfMainIsRethrownFromRun) {
  Bubble bubble;
  EXPECT_THROW(bubble.Run([] { throw std::out_of_range("main"); }), std::out_of_range);
  EXPECT_NO_THROW(bubble.Run([] {}));
}

TEST(Failure, OfAGoroutineUnwindsMainAndIsRethrownOnce) {
  bool unwound = false;
  Bubble bubble;
  EXPECT_THROW(bubble.Run([&] {
    const Defer exit([&] { unwound = true; });
    Go([] { throw std::out_of_range("goroutine"); });
    Select({});
  }),
               std::out_of_range);
  EXPECT_TRUE(unwound);
  EXPECT_NO_THROW(bubble.Run([] {}));
}

TEST(Failure, OfAGoroutineAndOfAnEventIsRethrownFromAdvance) {
  Bubble bubble;
  bubble.Go([] { time::Sleep(1s), throw std::out_of_range("goroutine"); });
  bubble.At(Time(2s), [] { throw std::length_error("event"); });
  EXPECT_THROW(bubble.AdvanceTo(5s), std::out_of_range);
  EXPECT_EQ(bubble.Now(), Time(1s)) << "time stops there";
  EXPECT_THROW(bubble.AdvanceTo(5s), std::length_error);
  EXPECT_EQ(bubble.Now(), Time(2s));
  EXPECT_NO_THROW(bubble.AdvanceTo(5s));
  EXPECT_EQ(bubble.Now(), Time(5s));
}

TEST(Failure, OfAnEventIsRethrownFromRun) {
  Bubble bubble;
  bubble.At(Time(1s), [] { throw std::length_error("event"); });
  EXPECT_THROW(bubble.Run([] { Select({}); }), std::length_error);
}

TEST(Failure, AWaitThatIsUnwoundWakesNobodyLater) {
  Bubble bubble;
  const auto run = [&](const std::function<void()>& main) { bubble.Run(main); };
  EXPECT_THROW(run([] {
                 Go([] { throw std::out_of_range("goroutine"); });
                 Wait();
               }),
               std::out_of_range);
  run([] {
    time::Sleep(1s);
    EXPECT_EQ(time::Now(), Time(1s));
  });
}

TEST(FailureDeathTest, ThatNobodyWasToldOfEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto unheard = [] {
    Bubble bubble;
    bubble.Go([] {
      try {
        Select({});
      } catch (...) {
        throw std::runtime_error("while it is unwound");
      }
    });
    bubble.Advance(0s);
  };
  EXPECT_DEATH(unheard(), "a goroutine failed and nobody was told");
}

// ---- the end of a bubble

TEST(BubbleEnd, UnwindsGoroutinesInOrderOfTheirStartAndNeverRunsThoseNotStarted) {
  Trace trace;
  {
    Bubble bubble;
    for (const char* name : {"first", "second"}) {
      bubble.Go([&, name] {
        const Defer outer([&, name] { trace.push_back(std::string(name) + " outer"); });
        const Defer inner([&, name] { trace.push_back(std::string(name) + " inner"); });
        Select({});
      });
    }
    bubble.Advance(0s);
    bubble.Go([&, captured = std::shared_ptr<void>(nullptr, [&](void*) {
                    trace.push_back("captured value");
                  })] { trace.push_back("ran"); });
  }
  EXPECT_THAT(trace, ElementsAre("first inner", "first outer", "second inner", "second outer",
                                 "captured value"));
}

TEST(BubbleEnd, UnwindsWhateverAGoroutineWaitsFor) {
  int unwound = 0;
  {
    Bubble bubble;
    const auto start = [&](void (*block)()) {
      bubble.Go([&unwound, block] {
        const Defer exit([&] { ++unwound; });
        block();
        ADD_FAILURE() << "ran on";
      });
    };
    start([] { time::Sleep(1h); });
    start([] { MakeChan<int>().Recv(); });
    start([] { MakeChan<int>().Send(1); });
    start([] { Select({Recv(time::After(1h)), Send(MakeChan<int>(), 1)}); });
    start([] { Chan<int>().Recv(); });
    bubble.Advance(1s);
  }
  EXPECT_EQ(unwound, 5);
}

TEST(BubbleEnd, AGoroutineThatHasSomethingToDeliverDoesSoAndEndsAtItsNextWait) {
  Trace trace;
  {
    Bubble bubble;
    bubble.Go([&] {
      const auto c = MakeChan<int>();
      Go([&, c] {
        trace.push_back("got " + std::to_string(*c.Recv()));
        const Defer exit([&] { trace.push_back("ended"); });
        c.Recv();
        trace.push_back("ran on");
      });
      Wait();
      const Defer exit([&, c] {
        EXPECT_TRUE(c.TrySend(7));
        Go([&] { trace.push_back("too late"); });
      });
      Select({});
    });
    bubble.Advance(0s);
  }
  EXPECT_THAT(trace, ElementsAre("got 7", "ended"));
}

TEST(BubbleEnd, DropsEventsAndTimersWithoutRunningThem) {
  int ran = 0;
  time::Timer timer;
  {
    Bubble bubble;
    bubble.At(Time(1s), [&] { ++ran; });
    bubble.SampleAt(Time(1s), [&] { ++ran; });
    bubble.Go([&] {
      time::AfterFunc(1s, [&] { ++ran; });
      timer = time::NewTimer(1s);
    });
    bubble.Advance(0s);
  }
  EXPECT_EQ(ran, 0);
  EXPECT_FALSE(timer.Stop()) << "it outlives its bubble, and is no longer active";
}

// All callbacks have one size, which nothing else has, so the memory of one that is gone serves
// another one of them.
TEST(BubbleEnd, ATimerThatOutlivesItHarmsNoOtherBubble) {
  int alive = 0;
  const auto arm = [&] {
    std::shared_ptr<void> counted((++alive, nullptr), [&](void*) { --alive; });
    return time::AfterFunc(
        1h, [counted = std::move(counted), size = std::array<char, 300>()] { std::ignore = size; });
  };
  time::Timer outlives;
  Bubble().Run([&] { arm(), outlives = arm(); });
  EXPECT_EQ(alive, 0) << "the end of a bubble frees what its callbacks hold";
  {
    std::vector<time::Timer> others(100);
    Bubble other;
    other.Run([&] {
      for (time::Timer& timer : others) timer = arm();
    });
    EXPECT_FALSE(outlives.Stop());
    outlives = {};
    EXPECT_EQ(alive, 100);
    other.Run([&] {
      for (time::Timer& timer : others) timer.Stop(), timer = arm();
    });
    EXPECT_EQ(alive, 100);
  }
  EXPECT_EQ(alive, 0);
}

// The second callback is still being destroyed when the bubble empties the first.
TEST(BubbleEnd, LeavesACallbackToTheThreadThatIsDestroyingIt) {
  std::promise<void> begun, emptied;
  const auto when_destroyed = [](const auto& act) {
    return std::shared_ptr<void>(nullptr, [act](void*) { act(); });
  };
  std::thread other;
  {
    Bubble bubble;
    time::Timer timer;
    bubble.Run([&] {
      time::AfterFunc(1h, [held = when_destroyed([&] { emptied.set_value(); })] {});
      timer = time::AfterFunc(1h, [held = when_destroyed([&] {
                                     begun.set_value();  // throws if it comes twice
                                     emptied.get_future().wait();
                                   })] {});
      timer.Stop();
    });
    other = std::thread([last = std::move(timer)]() mutable { last = {}; });
    begun.get_future().wait();
  }
  other.join();
}

TEST(BubbleEndDeathTest, OfTheDefaultBubbleIsLookedAtByNobody) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end = [] {
    Bubble::Default();
    Bubble::AtEnd([](const Bubble&) { std::_Exit(1); });
    std::exit(0);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(0), "");
}

// ---- interrupt

TEST(Interrupt, FromAnotherThreadEndsARunThatWouldNeverEnd) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    std::atomic<int> turns = 0;
    bool unwound = false;
    Bubble bubble({.clock = clock});
    std::thread other([&] {
      while (turns < 3) std::this_thread::yield();
      bubble.Interrupt();
    });
    bubble.Run([&] {
      const Defer exit([&] { unwound = true; });
      for (;;) time::Sleep(1ms), ++turns;
    });
    other.join();
    EXPECT_TRUE(unwound);
  }
}

TEST(Interrupt, EndsAnAdvanceAndEveryLaterOne) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    std::atomic<int> turns = 0;
    Bubble bubble({.clock = clock});
    bubble.Go([&] {
      for (;;) time::Sleep(1ms), ++turns;
    });
    std::thread other([&] {
      while (turns < 3) std::this_thread::yield();
      bubble.Interrupt();
    });
    bubble.Advance(Duration::max());
    other.join();
    bubble.Advance(Duration::max());
    EXPECT_LT(bubble.Now(), Time::max());
  }
}

TEST(Interrupt, EndsAnAdvanceWhileGoroutinesKeepEachOtherBusy) {
  std::atomic<int> turns = 0;
  Chan<int> there, back;
  Bubble bubble;
  bubble.Run([&] { there = MakeChan<int>(), back = MakeChan<int>(); });
  bubble.Go([=] {
    for (;;) there.Send(1), back.Recv();
  });
  bubble.Go([=, &turns] {
    for (;;) there.Recv(), back.Send(1), ++turns;
  });
  std::thread other([&] {
    while (turns < 3) std::this_thread::yield();
    bubble.Interrupt();
  });
  bubble.Advance(1s);
  other.join();
  EXPECT_EQ(bubble.Now(), Time()) << "they let no time pass";
}

TEST(Interrupt, EndsALaterRunAtItsFirstWait) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    Bubble bubble({.clock = clock});
    bubble.Interrupt();
    bool began = false;
    bubble.Run([&] {
      began = true;
      MakeChan<int>().Recv();
      ADD_FAILURE() << "ran on";
    });
    EXPECT_TRUE(began);
  }
}

// ---- many bubbles

TEST(BubbleTimerMode, HasTheNameOfTheGoThatKeepsTimersSo) {
  EXPECT_EQ(ToString(TimerMode::kGo122), "go122");
  EXPECT_EQ(ToString(TimerMode::kGo123), "go123");
}

TEST(BubbleNesting, AGoroutineMayRunABubbleOfItsOwn) {
  Bubble outer({.seed = 7});
  outer.Run([&] {
    time::Sleep(1s);
    Bubble inner;
    inner.Run([&] {
      EXPECT_EQ(&Bubble::Current(), &inner);
      EXPECT_EQ(time::Now(), Time());
      Go([] { time::Sleep(1h); });
      time::Sleep(1h);
    });
    EXPECT_EQ(&Bubble::Current(), &outer);
    EXPECT_EQ(inner.Now(), Time(1h));
    EXPECT_EQ(time::Now(), Time(1s));
    time::Sleep(1s);
  });
  EXPECT_EQ(outer.Now(), Time(2s));
  EXPECT_EQ(&Bubble::Current(), &Bubble::Default());
}

TEST(BubbleNesting, RunAndAdvanceInsideOfTheSameBubbleAreRefused) {
  constexpr char kRefusal[] = "Run and Advance are for threads outside of the bubble";
  Bubble bubble;
  bubble.At(Time(), [&] { EXPECT_EQ(PanicOf([&] { bubble.Advance(1s); }), kRefusal); });
  bubble.Run([&] {
    EXPECT_EQ(PanicOf([&] { bubble.Run([] {}); }), kRefusal);
    EXPECT_EQ(PanicOf([&] { bubble.AdvanceTo(1s); }), kRefusal);
    time::Sleep(1s);
  });
  EXPECT_EQ(bubble.Now(), Time(1s));
}

// A little of everything, traced: who did what, and when.
Trace Mixture(std::uint64_t seed) {
  Trace trace;
  const auto note = [&](const std::string& what) {
    trace.push_back(std::to_string(time::Now().time_since_epoch().count()) + " " + what);
  };
  Bubble bubble({.seed = seed});
  bubble.Run([&] {
    const auto c = MakeChan<int>(2), d = MakeChan<int>();
    for (int i = 0; i < 5; ++i) {
      Go([&, c, d, i] {
        for (int n = 0; n < 20; ++n) {
          const int chosen = Select({Send(c, i), Send(d, i), Recv(c), Recv(time::After(3ms))});
          note("goroutine " + std::to_string(i) + " case " + std::to_string(chosen));
          if (n % 4 == i % 4) time::Sleep((i + 1) * 1ms);
        }
      });
    }
    const time::ScopedTicker ticker(2ms);
    while (time::Now() < Time(50ms)) {
      note("main case " + std::to_string(Select({Recv(c), Recv(d), Recv(ticker.C())})));
    }
  });
  return trace;
}

TEST(Determinism, TwoRunsWithOneSeedGiveOneTrace) {
  const Trace trace = Mixture(1);
  EXPECT_GT(trace.size(), 100u);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Mixture(1), trace);
  EXPECT_NE(Mixture(2), trace);
}

// ---- the real clock

TEST(RealClock, NobodyWakesBeforeTheTimeSaid) {
  Bubble bubble({.clock = ClockKind::kReal});
  bubble.Run([] {
    const Time start = time::Now();
    time::Sleep(2ms);
    EXPECT_GE(time::Since(start), 2ms);
    EXPECT_GE(*time::After(2ms).Recv(), start + 4ms);
  });
  const Time end = bubble.Now();
  bubble.Advance(2ms);
  EXPECT_GE(bubble.Now(), end + 2ms);
}

TEST(RealClock, EventsAndSamplesComeInOrder) {
  for (Duration lead = 20ms;; lead *= 2) {
    Trace trace;
    bool in_time = false;
    std::atomic<int> done = 0;
    Bubble bubble({.clock = ClockKind::kReal});
    // From an event, so that none of them arrives before all are in place.
    bubble.At(Time(0ms), [&] {
      const Time soon = bubble.Now() + lead;
      bubble.SampleAt(soon, [&] { trace.push_back("sample"), ++done; });
      bubble.At(soon + 1ms, [&] { trace.push_back("later"), ++done; });
      bubble.At(soon, [&] { trace.push_back("event"), ++done; });
      in_time = bubble.Now() < soon;
    });
    while (done < 3) bubble.Advance(1ms);
    if (!in_time) continue;  // what is past counts as now: the machine is slow
    EXPECT_THAT(trace, ElementsAre("event", "sample", "later"));
    break;
  }
}

TEST(RealClock, AFailureEndsRunAlsoWhereMainIsStillRunningWhenItComes) {
  Bubble bubble({.clock = ClockKind::kReal});
  EXPECT_THROW(bubble.Run([] {
    Go([] { throw std::out_of_range("goroutine"); });
    Select({});
  }),
               std::out_of_range);
  EXPECT_THROW(bubble.Run([&] {
    bubble.Go([] { throw std::out_of_range("goroutine"); });
    while (std::ranges::count(ToString(bubble.Goroutines()), '\n') > 1)
      std::this_thread::yield();  // until it has ended
    Select({});
  }),
               std::out_of_range);
  bubble.Go([] { throw std::length_error("goroutine"); });
  EXPECT_THROW(bubble.Advance(Duration::max()), std::length_error);
}

// Up to 50 ms: a goroutine that takes longer is not waited for.
TEST(RealClock, AdvanceReturnsWhenAllGoroutinesAreBlocked) {
  Bubble bubble({.clock = ClockKind::kReal});
  std::atomic<bool> runs = false, done = false;
  bubble.Go([&] {
    runs = true;
    std::this_thread::sleep_for(10ms);
    done = true;
    Select({});
  });
  while (!runs) std::this_thread::yield();
  const Time before = bubble.Now();
  bubble.Advance(0s);
  EXPECT_TRUE(done || bubble.Now() >= before + 50ms);
}

TEST(RealClock, ItsEndUnwindsAThreadOfNoBubbleThatIsBlockedInIt) {
  std::string panic;
  std::thread foreign;
  {
    Bubble bubble({.clock = ClockKind::kReal});
    Chan<int> chan;
    bubble.Run([&] { chan = MakeChan<int>(); });
    foreign = std::thread([&panic, chan] { panic = PanicOf([&] { chan.Recv(); }); });
    while (bubble.Goroutines().empty()) std::this_thread::yield();
  }
  foreign.join();
  EXPECT_EQ(panic, "the bubble has ended");
}

TEST(RealClock, ItsEndUnwindsEveryGoroutine) {
  std::atomic<int> unwound = 0;
  {
    Bubble bubble({.clock = ClockKind::kReal});
    for (int i = 0; i < 20; ++i) {
      bubble.Go([&] {
        const Defer exit([&] { ++unwound; });
        Select({Recv(MakeChan<int>()), Recv(time::After(1h))});
        ADD_FAILURE() << "ran on";
      });
    }
    while (bubble.Totals().live < 20) std::this_thread::yield();
  }
  EXPECT_EQ(unwound, 20);
}

TEST(RealClockStress, NoValueThatAGoroutineTookIsLostWhileItsBubbleEnds) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> taken = 0, received = 0;
    {
      Bubble bubble({.clock = ClockKind::kReal});
      bubble.Go([&] {
        const auto c = MakeChan<int>();
        for (int i = 0; i < 8; ++i) Go([&, c] { received += c.Recv().has_value(); });
        const Defer send([&, c] {
          while (c.TrySend(1)) ++taken;
        });
        Select({});
      });
      while (std::ranges::count(ToString(bubble.Goroutines()), '[') < 9 ||
             ToString(bubble.Goroutines()).find("[run") != std::string::npos) {
        std::this_thread::yield();  // until all are blocked
      }
    }
    ASSERT_EQ(received, taken);
  }
}

TEST(RealClockStress, ManyGoroutinesTimersAndThreadsEndInOrder) {
  constexpr int kWorkers = 16, kJobs = 50;
  std::atomic<int> callbacks = 0;
  Bubble bubble({.clock = ClockKind::kReal});
  for (int round = 1; round <= 3; ++round) {
    bubble.Run([&] {
      const auto jobs = MakeChan<int>(3), results = MakeChan<int>();
      for (int w = 0; w < kWorkers; ++w) {
        Go([&, jobs, results] {
          for (const int job : jobs) {
            const time::Timer timer = time::AfterFunc(50us, [&] { ++callbacks; });
            if (job % 2 == 0) timer.Stop();
            if (job % 3 == 0) time::Sleep(10us);
            Select({Send(results, job), Recv(time::After(1h))});
          }
        });
      }
      std::vector<std::thread> outside;
      for (int t = 0; t < 4; ++t) {
        outside.emplace_back([&, jobs] {
          for (int i = 1; i <= kJobs; ++i) jobs.Send(i), bubble.Totals(), bubble.Goroutines();
        });
      }
      int sum = 0;
      for (int i = 0; i < 4 * kJobs; ++i) sum += *results.Recv();
      for (std::thread& thread : outside) thread.join();
      jobs.Close();
      EXPECT_EQ(sum, 4 * kJobs * (kJobs + 1) / 2);
    });
    EXPECT_TRUE(bubble.Totals().Conserved());
  }
}

}  // namespace
}  // namespace afterleak
