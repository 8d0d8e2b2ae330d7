// What a bubble promises beyond the order of things: the books of its goroutines, its seed, what
// one Run leaves to the next, who gets a processor of a real bubble, and what its end does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/bubble/bubble.h"
#include "tests/support/test_bubble.h"

namespace afterleak::runtime_test {

// What a project arms its timers with, and two calls of that. Not in the unnamed namespace, so that
// they have names of which a bubble can be told.
[[gnu::noinline]] void ArmInAWrapper() {
  time::AfterFunc(std::chrono::hours(1), [] {});
  asm volatile("");  // no tail call: it would take this frame off the stack
}
constexpr std::uint_least32_t kLineOfArmTwice = std::source_location::current().line() + 1;
[[gnu::noinline]] void ArmTwice() {
  ArmInAWrapper();
  ArmInAWrapper();
  asm volatile("");
}

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr Bubble::Options kReal{.clock = ClockKind::kReal};

// How many goroutines and threads of no bubble are in this state, such as "running".
std::ptrdiff_t Count(const Bubble& bubble, std::string_view state) {
  return std::ranges::count(bubble.Goroutines(), state, &GoroutineReport::waits_for);
}

void Until(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

// ---- what a goroutine leaves in the books

TEST(GoroutineBooks, CloseWhenItEnds) {
  Bubble bubble;
  bubble.Go([] { time::Sleep(1s); });
  bubble.Go([] { time::Sleep(1h); });
  EXPECT_EQ(bubble.Totals(Resource::kGoroutine).live, 2);
  bubble.Advance(1s);
  EXPECT_EQ(bubble.Totals(Resource::kGoroutine).live, 1);
  EXPECT_EQ(bubble.Totals(Resource::kGoroutine).stopped, 1);
  EXPECT_TRUE(bubble.Totals(Resource::kGoroutine).Conserved());
}

void StartTwoOnOneLine(const Chan<int>& chan) {
  Go([=] { chan.Recv(); }), Go([=] { chan.Recv(); });
}

TEST(GoroutineBooks, AreTakenByTheCallThatStartedItAndWhereItWaits) {
  const auto line = std::source_location::current().line() - 4;
  Bubble bubble;
  Chan<int> chan;
  bubble.Run([&] {
    chan = MakeChan<int>();
    StartTwoOnOneLine(chan);
    StartTwoOnOneLine(chan);
  });
  const std::vector<Holding> holdings = bubble.Alive().holdings;
  ASSERT_THAT(holdings, SizeIs(2));
  for (const Holding& holding : holdings) {
    EXPECT_EQ(holding.kind, "goroutine");
    EXPECT_EQ(holding.file + ":" + std::to_string(holding.line), AtLine(line));
    EXPECT_THAT(holding.function, EndsWith("StartTwoOnOneLine"));
    EXPECT_THAT(holding.waits, HasSubstr("chan receive at " + AtLine(line) + " "));
    EXPECT_THAT(holding.cure, HasSubstr("make it return"));
    EXPECT_EQ(holding.count, 2);
  }
  EXPECT_GT(holdings[0].column, 0u);
  EXPECT_NE(holdings[0].column, holdings[1].column);
}

TEST(GoroutineBooks, HaveNoPageForMainAndForThreadsOfNoBubble) {
  Bubble bubble(kReal);
  std::thread foreign;
  bubble.Run([&] {
    const auto chan = MakeChan<int>();
    foreign = std::thread([chan] { chan.Recv(); });
    Until([&] { return Count(bubble, "chan receive") == 1; });
    EXPECT_THAT(bubble.Goroutines(), SizeIs(2));
    EXPECT_THAT(bubble.Alive().holdings, IsEmpty());
    chan.Close();
  });
  foreign.join();
}

TEST(CallStacks, TellTheCallersOfAWrapperApartWhereABubbleIsAskedForThem) {
  const auto lines = [](const Bubble::Options& options) {
    Bubble bubble(options);
    bubble.Run(ArmTwice);
    std::vector<std::uint_least32_t> lines_of_sites;
    for (const SiteReport& site : bubble.Report().sites) lines_of_sites.push_back(site.line);
    return lines_of_sites;
  };
  EXPECT_THAT(lines({}), SizeIs(1));
  EXPECT_THAT(lines({.call_stacks = true, .wrappers = {"afterleak::runtime_test::ArmInAWrapper"}}),
              UnorderedElementsAre(kLineOfArmTwice + 1, kLineOfArmTwice + 2));
}

// ---- the seed

// What was found with a seed is found again, on every machine and with every later version. The
// first numbers that SplitMix64 has for this one, as published, are 6457827717110365317,
// 3203168211198807973, 9817491932198370423, 4593380528125082431 and 16408922859458223821: each
// chooses by the tenth of the range that it is in.
TEST(Seed, GivesTheChoicesThatSplitMix64Makes) {
  std::vector<int> chosen;
  Bubble bubble({.seed = 1234567});
  bubble.Run([&] {
    const auto c = MakeChan<int>();
    c.Close();
    for (int i = 0; i < 5; ++i) {
      chosen.push_back(Select({Recv(c), Recv(c), Recv(c), Recv(c), Recv(c), Recv(c), Recv(c),
                               Recv(c), Recv(c), Recv(c)}));
    }
  });
  EXPECT_THAT(chosen, ElementsAre(3, 1, 5, 2, 8));
}

TEST(Seed, OfAShuffleLosesNobodyThatYields) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    int steps = 0;
    Bubble bubble({.seed = seed, .shuffle = true});
    bubble.Run([&] {
      for (int g = 0; g < 4; ++g) {
        Go([&] {
          for (int i = 0; i < 10; ++i) ++steps, Gosched();
        });
      }
      Wait();
      EXPECT_EQ(steps, 40) << "seed " << seed;
      EXPECT_EQ(NumGoroutine(), 1) << "seed " << seed;
    });
  }
}

// ---- one Run after another

TEST(OneRunAfterAnother, HasTheWholeLimitOfTurnsEachTimeAndNotOneMore) {
  Bubble bubble({.turns_at_one_instant = 10});
  const auto run = [&](int calls) {
    bubble.Run([=] {
      const auto c = MakeChan<int>();
      for (int i = 0; i < calls; ++i) c.TryRecv();
    });
  };
  EXPECT_NO_THROW(run(9)) << "that main begins is the tenth";
  EXPECT_NO_THROW(run(9));
  EXPECT_THROW(bubble.Run([] { throw std::out_of_range("main"); }), std::out_of_range);
  EXPECT_NO_THROW(run(9));
  EXPECT_THROW(run(10), Stuck);
}

TEST(OneRunAfterAnother, LeavesNobodyThatCanRunAlsoIfMainYielded) {
  bool ran = false;
  Bubble bubble;
  bubble.Run([&] {
    Gosched();
    Go([&] { ran = true; });
  });
  EXPECT_TRUE(ran);
}

TEST(OneRunAfterAnother, DoesNotReportADeadlockForWhichTheFirstThrewSomethingElse) {
  Bubble bubble;
  EXPECT_THROW(bubble.Run([] {
    try {
      Select({});
    } catch (...) {
      throw std::out_of_range("on the way out");
    }
  }),
               std::out_of_range);
  EXPECT_NO_THROW(bubble.Run([] {}));
}

TEST(OneRunAfterAnother, OfARealBubbleThatIsStuckDoesNotBegin) {
  std::atomic<bool> stop = false;
  Bubble bubble({.clock = ClockKind::kReal, .stuck_after = 60ms});
  bubble.At(Time(), [&] { stop.wait(false); });
  EXPECT_THROW(bubble.Advance(1ms), Stuck);
  EXPECT_THROW(bubble.Run([] { ADD_FAILURE() << "ran"; }), Stuck);
  stop = true;
  stop.notify_all();
}

// ---- interrupt

TEST(InterruptOfARealBubble, EndsAMainThatNothingElseWouldWake) {
  bool unwound = false;
  Bubble bubble(kReal);
  std::thread other([&] {
    Until([&] { return Count(bubble, "chan receive") == 1; });
    bubble.Interrupt();
  });
  bubble.Run([&] {
    const Defer exit([&] { unwound = true; });
    MakeChan<int>().Recv();
  });
  other.join();
  EXPECT_TRUE(unwound);
}

TEST(InterruptOfARealBubble, EndsNoGoroutineButMain) {
  bool woke = false;
  Bubble bubble(kReal);
  bubble.Interrupt();
  bubble.Go([&] { time::Sleep(1ns), woke = true; });
  Until([&] { return bubble.Goroutines().empty(); });
  EXPECT_TRUE(woke);
}

TEST(InterruptOfAMainThatNeverBlocks, LeavesItTenThousandCalls) {
  for (const ClockKind clock : {ClockKind::kVirtual, ClockKind::kReal}) {
    int calls = 0;
    Bubble bubble({.clock = clock});
    bubble.Interrupt();
    bubble.Run([&] {
      for (const auto c = MakeChan<int>();; ++calls) c.TryRecv();
    });
    EXPECT_EQ(calls, 10'000);
  }
}

// ---- the goroutines of a real bubble, and the processors

// Its clock waits in an event until it is released. So nobody gets a thread meanwhile because the
// others have been running for 10 ms.
class Processors : public testing::Test {
 protected:
  Processors() {
    bubble_.At(Time(), [this] {
      clock_is_busy_ = true;
      clock_is_busy_.notify_all();
      clock_released_.wait(false);
    });
    clock_is_busy_.wait(false);
  }
  ~Processors() override {
    ReleaseClock();
    stop_ = true;
    stop_.notify_all();
  }

  void ReleaseClock() {
    clock_released_ = true;
    clock_released_.notify_all();
  }

  // Starts goroutines that run until the end of the test.
  void Occupy(int processors) {
    for (int i = 0; i < processors; ++i) bubble_.Go([this] { stop_.wait(false); });
  }

  std::ptrdiff_t Running() const { return Count(bubble_, "running"); }
  std::ptrdiff_t Waiting() const { return Count(bubble_, "not yet started"); }

  const int processors_ = std::max(4, static_cast<int>(std::thread::hardware_concurrency()));
  std::atomic<bool> stop_ = false;
  std::atomic<bool> clock_is_busy_ = false;
  std::atomic<bool> clock_released_ = false;
  Bubble bubble_{kReal};
};

TEST_F(Processors, HaveAGoroutineEachAndTheNextOneWaits) {
  Occupy(processors_);
  EXPECT_EQ(Running(), processors_);
  Occupy(1);
  EXPECT_EQ(Running(), processors_);
  EXPECT_EQ(Waiting(), 1);
}

TEST_F(Processors, GoToOneThatWaitsWhenAnotherOneBlocks) {
  std::atomic<bool> block = false;
  bubble_.Go([&] {
    block.wait(false);
    MakeChan<int>().Recv();
  });
  Occupy(processors_ + 1);
  EXPECT_EQ(Waiting(), 2);
  block = true;
  block.notify_all();
  Until([&] { return Count(bubble_, "chan receive") == 1; });
  EXPECT_EQ(Running(), processors_);
  EXPECT_EQ(Waiting(), 1);
}

TEST_F(Processors, HaveMainAmongThoseThatRun) {
  bubble_.Run([&] {
    Occupy(processors_);
    EXPECT_EQ(Running(), processors_);
    EXPECT_EQ(Waiting(), 1);
  });
  EXPECT_EQ(Running(), processors_) << "main has ended";
  EXPECT_EQ(Waiting(), 0);
}

TEST_F(Processors, AreNotForThreadsOfNoBubble) {
  Chan<int> chan;
  bubble_.Run([&] { chan = MakeChan<int>(); });
  std::thread foreign([&] { chan.Recv(); });
  Until([&] { return Count(bubble_, "chan receive") == 1; });
  chan.Close();
  foreign.join();
  Occupy(processors_ + 1);
  EXPECT_EQ(Running(), processors_);
}

// While such a thread wakes, it takes the place that the sender leaves by its end.
TEST_F(Processors, GoToOneThatWaitsWhenAThreadOfNoBubbleHasWoken) {
  Occupy(processors_ - 1);
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> send = false;
    Chan<int> chan;
    bubble_.Run([&] { chan = MakeChan<int>(); });
    std::thread foreign([&] { chan.Recv(); });
    Until([&] { return Count(bubble_, "chan receive") == 1; });
    bubble_.Go([&] {
      send.wait(false);
      chan.Send(1);
    });
    bubble_.Go([] {});
    EXPECT_EQ(Waiting(), 1);
    send = true;
    send.notify_all();
    Until([&] { return bubble_.Goroutines().size() == processors_ - 1u; });
    foreign.join();
  }
}

TEST_F(Processors, KeepOneWaitingForTenMillisecondsHoweverManyComeLater) {
  std::atomic<std::ptrdiff_t> waiting = -1;
  bubble_.At(Time(), [&] { waiting = Waiting(); });
  Occupy(processors_ + 1);
  const Time now = bubble_.Now();
  Until([&] { return bubble_.Now() >= now + 10ms; });
  Occupy(1);
  EXPECT_EQ(Waiting(), 2);
  ReleaseClock();
  Until([&] { return waiting != -1; });
  EXPECT_EQ(waiting, 1);
}

// ---- the end of a bubble

TEST(EndOfABubble, DestroysWhatItsEventsHoldThoughAChannelOutlivesIt) {
  const auto owned = std::make_shared<int>();
  Chan<int> outlives;
  {
    Bubble bubble;
    bubble.Run([&] { outlives = MakeChan<int>(); });
    bubble.At(Time(1s), [owned] {});
    bubble.SampleAt(Time(1s), [owned] {});
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(EndOfABubble, LeavesAContextDoneWhoseDeadlineHadCome) {
  context::Context ctx;
  {
    Bubble bubble;
    bubble.Run([&] {
      Go([&] { time::Sleep(1s), bubble.Interrupt(); });
      Wait();
      ctx = context::WithTimeout(context::Background(), 1s).first;
      time::Sleep(1h);
    });
    EXPECT_EQ(bubble.Now(), Time(1s));
    EXPECT_EQ(ctx.Err(), context::Error::kNone) << "its turn has not come";
  }
  EXPECT_EQ(ctx.Err(), context::Error::kDeadlineExceeded);
}

TEST(EndOfABubble, LeavesAGoroutineTenThousandCalls) {
  int calls = 0;
  testing::internal::CaptureStderr();
  {
    Bubble bubble;
    bubble.Go([&] {
      const auto c = MakeChan<int>();
      try {
        Select({});
      } catch (...) {
        for (;; ++calls) c.TryRecv();
      }
    });
    bubble.Advance(1s);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("has not blocked in 10000 calls"));
  EXPECT_EQ(calls, 10'000);
}

// The oldest goroutine runs, but only the end of a younger one lets it go on.
TEST(EndOfABubble, UnwindsThoseBehindOneThatRuns) {
  bool unwound = false;
  {
    std::atomic<bool> free = false;
    Bubble bubble({.stuck_after = 600ms});
    bubble.Go([&] {
      time::Sleep(1ms);
      free.wait(false);
    });
    bubble.Go([&] {
      const Defer exit([&] {
        unwound = true;
        free = true;
        free.notify_all();
      });
      time::Sleep(1h);
    });
    bubble.Advance(0s);
    EXPECT_THROW(bubble.Advance(1s), Stuck);
  }
  EXPECT_TRUE(unwound);
}

TEST(EndOfABubble, RefusesAThreadOfNoBubbleThatComesMeanwhile) {
  std::atomic<bool> ending = false, refused = false;
  std::string panic;
  std::thread foreign;
  {
    Bubble bubble(kReal);
    Chan<int> chan;
    bubble.Run([&] { chan = MakeChan<int>(); });
    foreign = std::thread([&, chan] {
      ending.wait(false);
      panic = PanicOf([&] { chan.Recv(); });
      refused = true;
      refused.notify_all();
    });
    bubble.Go([&] {
      const Defer exit([&] {
        ending = true;
        ending.notify_all();
        refused.wait(false);
      });
      Select({});
    });
    Until([&] { return Count(bubble, "select (no cases)") == 1; });
  }
  foreign.join();
  EXPECT_EQ(panic, "the bubble has ended");
}

TEST(EndOfABubble, LetsAnEventYieldThatRunsMeanwhile) {
  std::atomic<bool> runs = false, ending = false, done = false;
  {
    Bubble bubble(kReal);
    bubble.Go([&] {
      const Defer exit([&] {
        ending = true;
        ending.notify_all();
      });
      Select({});
    });
    bubble.At(Time(), [&] {
      runs = true;
      ending.wait(false);
      Gosched();
      done = true;
    });
    Until([&] { return runs && Count(bubble, "select (no cases)") == 1; });
  }
  EXPECT_TRUE(done);
}

TEST(EndOfABubble, LeavesAnEventOfVirtualTimeBehindThatDoesNotReturn) {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  testing::internal::CaptureStderr();
  {
    Bubble bubble({.stuck_after = 300ms});
    bubble.At(Time(1ms), [stop] { stop->wait(false); });
    bubble.Go([stop] { time::Sleep(1h); });  // on its thread the event runs
    EXPECT_THROW(bubble.Advance(1s), Stuck);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("\nan event (At or SampleAt)\n"));
  *stop = true;
  stop->notify_all();
  Until([&] { return stop.use_count() == 1; });  // both have ended
}

TEST(EndOfABubble, LeavesABubbleToWhatIsLeftBehindWhateverIsInItsPlace) {
  const auto runs = std::make_shared<std::atomic<bool>>(false);
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  Time now = Time::max();
  std::optional<Bubble> bubble(std::in_place, Bubble::Options{.stuck_after = 60ms});
  bubble->Go([&now, runs, stop] {
    *runs = true;
    runs->notify_all();
    stop->wait(false);
    now = Bubble::Current().Now();
  });
  EXPECT_THROW(bubble->Advance(1s), Stuck);
  runs->wait(false);
  testing::internal::CaptureStderr();
  bubble.reset();
  testing::internal::GetCapturedStderr();
  bubble.emplace().Advance(1h);
  *stop = true;
  stop->notify_all();
  Until([&] { return stop.use_count() == 1; });
  EXPECT_EQ(now, Time()) << "of its bubble, and not of the new one";
}

TEST(EndOfTheProcessDeathTest, UnwindsAThreadOfNoBubbleThatSleeps) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end = [] {
    std::thread([] { PanicOf([] { time::Sleep(1h); }); }).detach();
    Until([] { return Count(Bubble::Default(), "sleep") == 1; });
    std::exit(0);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace afterleak::runtime_test
