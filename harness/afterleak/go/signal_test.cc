// What package signal promises: in a virtual bubble, where Raise delivers, and with real signals
// from the kernel.
#include "afterleak/go/signal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/panic.h"
#include "afterleak/go/context.h"
#include "afterleak/go/defer.h"
#include "afterleak/go/select.h"
#include "afterleak/go/time.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using context::Background;
using context::Error;
using signal::Disposition;
using signal::DispositionOf;

using Signals = Chan<os::Signal>;

class SignalTest : public TimerModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, SignalTest, kTimerModes, NameOfTimerMode);

// ---- delivery

TEST_P(SignalTest, ABurstOfFiveIntoAChannelOfOneLeavesOne) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGINT, SIGTERM});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(signal::Raise(SIGINT), Disposition::kNotified);
    EXPECT_EQ(signals.Len(), 1u);
    EXPECT_EQ(signals.Recv(), SIGINT);
    signal::Raise(SIGTERM);
    EXPECT_EQ(signals.Recv(), SIGTERM);
  });
}

TEST_P(SignalTest, AnUnbufferedChannelThatNobodyReadsLosesThem) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>();
    signal::Notify(signals, {SIGINT});
    EXPECT_EQ(signal::Raise(SIGINT), Disposition::kNotified) << "and does not block";
    EXPECT_FALSE(signals.TryRecv());
    Go([signals] { EXPECT_EQ(signals.Recv(), SIGINT) << "one that waits gets it"; });
    Wait();
    signal::Raise(SIGINT);
  });
  EXPECT_EQ(ToString(bubble_.Goroutines()), "");
}

TEST_P(SignalTest, EachChannelGetsItsCopyOfWhatItAskedFor) {
  InBubble([] {
    const Signals both = MakeChan<os::Signal>(9);
    const Signals one = MakeChan<os::Signal>(9);
    signal::Notify(both, {SIGINT});
    signal::Notify(both, {SIGTERM});  // in addition to SIGINT
    signal::Notify(one, {SIGTERM});
    signal::Raise(SIGINT);
    signal::Raise(SIGTERM);
    signal::Raise(SIGQUIT);
    EXPECT_EQ(both.Len(), 2u);
    EXPECT_EQ(both.Recv(), SIGINT);
    EXPECT_EQ(both.Recv(), SIGTERM);
    EXPECT_EQ(one.Len(), 1u);
    EXPECT_EQ(one.Recv(), SIGTERM);
  });
}

TEST_P(SignalTest, TheSignalsMayStandInAVector) {
  InBubble([] {
    const std::vector<os::Signal> wanted = {SIGINT, SIGTERM};
    const Signals signals = MakeChan<os::Signal>(9);
    signal::Notify(signals, wanted);
    for (const os::Signal signal : {SIGTERM, SIGINT, SIGQUIT}) signal::Raise(signal);
    EXPECT_EQ(signals.Len(), 2u);
    signal::Stop(signals);
  });
}

TEST_P(SignalTest, TheSameChannelTwiceGetsOneCopy) {
  InBubble([&] {
    const Signals signals = MakeChan<os::Signal>(9);
    signal::Notify(signals, {SIGINT});
    signal::Notify(signals, {SIGINT, SIGTERM});
    EXPECT_EQ(Totals().live, 1) << "one registration";
    signal::Raise(SIGINT);
    EXPECT_EQ(signals.Len(), 1u);
  });
}

TEST_P(SignalTest, NoSignalsMeansAllThatCanBeCaught) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {});
    for (const os::Signal s :
         {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGTERM, SIGUSR1, SIGWINCH, SIGRTMAX}) {
      signal::Raise(s);
      EXPECT_EQ(signals.TryRecv(), s);
    }
    EXPECT_EQ(DispositionOf(SIGKILL), Disposition::kDefault);
    EXPECT_EQ(DispositionOf(SIGSTOP), Disposition::kDefault);
    EXPECT_EQ(DispositionOf(SIGSEGV), Disposition::kDefault) << "the program itself is broken";
  });
}

TEST_P(SignalTest, DeliveryToAClosedChannelPanics) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGINT});
    signals.Close();
    EXPECT_EQ(PanicOf([] { signal::Raise(SIGINT); }), "send on closed channel");
  });
}

TEST_P(SignalTest, WhatCannotBeCaughtIsNotDelivered) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(9);
    const int of_the_threads = SIGRTMIN - 1;  // the C library has it for itself
    signal::Notify(signals, {SIGKILL, SIGSTOP, SIGPROF, SIGSEGV, 32, of_the_threads});
    for (const os::Signal s : {SIGKILL, SIGSTOP, SIGPROF, 32, of_the_threads})
      EXPECT_EQ(signal::Raise(s), Disposition::kDefault);
    EXPECT_EQ(signals.Len(), 0u);
    EXPECT_EQ(signal::Raise(SIGSEGV), Disposition::kNotified) << "asked for by its name";
  });
}

TEST_P(SignalTest, NilChannelsAreRefusedAndWrongNumbersPassedOver) {
  InBubble([&] {
    try {
      signal::Notify(Signals(), {SIGINT});
      ADD_FAILURE() << "Notify took a nil channel";
    } catch (const Panic& panic) {
      EXPECT_STREQ(panic.what(), "os/signal: Notify using nil channel");
    }
    EXPECT_NO_THROW(signal::Stop(Signals()));
    for (const os::Signal wrong : {-1, 0, 65, 1'000'000}) {
      const Signals signals = MakeChan<os::Signal>(1);
      EXPECT_NO_THROW(signal::Notify(signals, {wrong}));
      EXPECT_EQ(Totals().live, 1) << "registered all the same";
      EXPECT_NO_THROW(signal::Ignore({wrong}));
      EXPECT_NO_THROW(signal::Reset({wrong}));
      EXPECT_FALSE(signal::Ignored(wrong));
      signal::Stop(signals);
      EXPECT_EQ(Totals().live, 0);
      EXPECT_THROW(signal::Raise(wrong), std::invalid_argument) << "as kill refuses it";
    }
  });
}

TEST_P(SignalTest, TheBytesOfARegistrationAreWhatTheHeapHolds) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    (void)signal::Ignored(SIGUSR1);  // makes the registry
    const heap::Scope scope;
    signal::Notify(MakeChan<os::Signal>(3), {SIGUSR1});
    EXPECT_EQ(Totals().live_bytes, scope.usage().live_bytes);
    signal::Notify(MakeChan<os::Signal>(), {SIGUSR1});
    EXPECT_EQ(Totals().live_bytes, scope.usage().live_bytes) << "without a buffer, too";
  });
}

// ---- what ends a registration

TEST_P(SignalTest, AfterTheLastStopTheDispositionIsTheDefaultAgain) {
  InBubble([] {
    const Signals a = MakeChan<os::Signal>(1);
    const Signals b = MakeChan<os::Signal>(1);
    EXPECT_EQ(DispositionOf(SIGTERM), Disposition::kDefault);
    signal::Notify(a, {SIGTERM});
    signal::Notify(b, {SIGTERM});
    signal::Stop(a);
    signal::Stop(a);
    EXPECT_EQ(signal::Raise(SIGTERM), Disposition::kNotified) << "b is still there";
    EXPECT_FALSE(a.TryRecv());
    EXPECT_EQ(b.TryRecv(), SIGTERM);
    signal::Stop(b);
    EXPECT_EQ(signal::Raise(SIGTERM), Disposition::kDefault);
    EXPECT_FALSE(b.TryRecv());
  });
}

TEST_P(SignalTest, ResetEndsTheseSignalsOnAllChannels) {
  InBubble([&] {
    const Signals a = MakeChan<os::Signal>(9);
    const Signals b = MakeChan<os::Signal>(9);
    signal::Notify(a, {SIGINT, SIGTERM});
    signal::Notify(b, {SIGINT});
    signal::Ignore({SIGHUP});
    signal::Reset({SIGINT, SIGHUP});
    EXPECT_EQ(DispositionOf(SIGINT), Disposition::kDefault);
    EXPECT_EQ(DispositionOf(SIGHUP), Disposition::kIgnored) << "as in Go";
    EXPECT_EQ(DispositionOf(SIGTERM), Disposition::kNotified);
    EXPECT_EQ(Totals().live, 1) << "nothing is left for b";
    signal::Reset({});
    EXPECT_EQ(DispositionOf(SIGTERM), Disposition::kDefault);
    EXPECT_EQ(Totals().live, 0);
  });
}

TEST_P(SignalTest, IgnoreEndsRegistrationsAndNotifyEndsIgnore) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGINT});
    EXPECT_FALSE(signal::Ignored(SIGINT));
    signal::Ignore({SIGINT});
    EXPECT_TRUE(signal::Ignored(SIGINT));
    EXPECT_EQ(signal::Raise(SIGINT), Disposition::kIgnored);
    EXPECT_FALSE(signals.TryRecv());
    signal::Notify(signals, {SIGINT});
    EXPECT_FALSE(signal::Ignored(SIGINT));
    signal::Raise(SIGINT);
    EXPECT_EQ(signals.TryRecv(), SIGINT);
    signal::Stop(signals);
    EXPECT_FALSE(signal::Ignored(SIGINT));
  });
}

// ---- the census and the heap

TEST_P(SignalTest, ARegistrationIsLiveAndRootedUntilStopEvenIfItsChannelIsDropped) {
  InBubble([&] {
    unsigned line = 0;
    {
      const Signals signals = MakeChan<os::Signal>(1);
      line = __LINE__, signal::Notify(signals, {SIGINT});
    }
    time::Sleep(std::chrono::hours(1000));
    EXPECT_EQ(Totals().live, 1);
    EXPECT_EQ(Totals().rooted, 1);
    EXPECT_EQ(Totals().abandoned, 0);
    const SiteReport site = bubble_.Report().sites.at(0);
    EXPECT_EQ(site.file, std::source_location::current().file_name());
    EXPECT_EQ(site.line, line);
    EXPECT_EQ(site.kind, "signal::Notify");
    signal::Reset({SIGINT});
    EXPECT_EQ(Totals().live, 0);
    EXPECT_EQ(Totals().stopped, 1);
  });
}

TEST_P(SignalTest, AThousandSessionsLeaveNothingBehindIfTheyStop) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([&] {
    const auto session = [](bool stops) {
      const Signals signals = MakeChan<os::Signal>(1);
      signal::Notify(signals, {SIGINT, SIGTERM});
      if (stops) signal::Stop(signals);
    };
    session(true);
    const heap::Scope scope;
    for (int i = 0; i < 1000; ++i) session(true);
    EXPECT_EQ(scope.usage().live_blocks, 0);
    for (int i = 0; i < 1000; ++i) session(false);
    EXPECT_GE(scope.usage().live_blocks, 1000);
    EXPECT_EQ(Totals().live, 1000);
    signal::Reset({});
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
}

// ---- NotifyContext

TEST_P(SignalTest, NotifyContextIsDoneWhenASignalArrivesAndRegisteredUntilItsStop) {
  InBubble([&] {
    auto [ctx, stop] = signal::NotifyContext(Background(), {SIGINT});
    Wait();
    EXPECT_EQ(ctx.Err(), Error::kNone);
    signal::Raise(SIGINT);
    ctx.Done().Recv();
    EXPECT_EQ(ctx.Err(), Error::kCanceled);
    EXPECT_EQ(DispositionOf(SIGINT), Disposition::kNotified);
    EXPECT_EQ(Totals().live, 1);
    stop();
    stop();
    EXPECT_EQ(DispositionOf(SIGINT), Disposition::kDefault);
    EXPECT_EQ(Totals().live, 0);
  });
  EXPECT_EQ(ToString(bubble_.Goroutines()), "");
}

TEST_P(SignalTest, NotifyContextEndsWithItsParentOrItsStop) {
  InBubble([&] {
    auto [parent, cancel] = context::WithTimeout(Background(), 3s);
    auto [ctx, stop] = signal::NotifyContext(parent, {SIGINT});
    auto [stopped, stop_it] = signal::NotifyContext(Background(), {SIGINT});
    stop_it();
    EXPECT_EQ(stopped.Err(), Error::kCanceled);
    ctx.Done().Recv();
    EXPECT_EQ(ctx.Err(), Error::kDeadlineExceeded);
    EXPECT_EQ(time::Now(), Time(3s));
    auto [late, stop_late] = signal::NotifyContext(parent, {SIGINT});
    EXPECT_EQ(late.Err(), Error::kDeadlineExceeded) << "of a parent that is done";
    stop();
    stop_late();
  });
  EXPECT_EQ(Totals().live, 0);
  EXPECT_EQ(ToString(bubble_.Goroutines()), "");
}

TEST_P(SignalTest, AVirtualBubbleIsAProcessOfItsOwn) {
  InBubble([] {
    signal::Notify(MakeChan<os::Signal>(1), {SIGUSR1});
    signal::Ignore({SIGUSR2});
    Bubble other;
    other.Run([] {
      EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kDefault);
      EXPECT_EQ(DispositionOf(SIGUSR2), Disposition::kDefault);
    });
    for (const int s : {SIGUSR1, SIGUSR2}) {
      struct sigaction action{};
      sigaction(s, nullptr, &action);
      EXPECT_EQ(action.sa_handler, SIG_DFL) << "the kernel knows nothing of it";
    }
  });
}

// ---- real signals, sent by the kernel

// The tests wait for signals, because a thread carries them.
class KernelSignalTest : public testing::Test, public TestBubble {
 protected:
  KernelSignalTest() : TestBubble({.clock = ClockKind::kReal}) {}
};

TEST_F(KernelSignalTest, NotifyReceivesWhatKillSends) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGUSR1, SIGINT, SIGTERM, SIGQUIT, SIGRTMAX});
    const Defer stop([&] { signal::Stop(signals); });
    for (const os::Signal s : {SIGUSR1, SIGINT, SIGTERM, SIGQUIT, SIGRTMAX}) {
      EXPECT_EQ(kill(getpid(), s), 0);
      EXPECT_EQ(signals.Recv(), s);
      EXPECT_EQ(signal::Raise(s), Disposition::kNotified);
      EXPECT_EQ(signals.Recv(), s);
    }
  });
}

TEST_F(KernelSignalTest, ABurstOfFiveIntoAChannelOfOneLeavesOne) {
  InBubble([] {
    const Signals first = MakeChan<os::Signal>(1);
    const Signals rest = MakeChan<os::Signal>(99);
    signal::Notify(first, {SIGUSR1});
    signal::Notify(rest, {SIGUSR1});
    for (int i = 0; i < 5; ++i) {
      raise(SIGUSR1);
      EXPECT_EQ(rest.Recv(), SIGUSR1);
    }
    EXPECT_EQ(first.Len(), 1u);
    signal::Stop(first);
    signal::Stop(rest);
  });
}

TEST_F(KernelSignalTest, AllRealBubblesGetTheirCopies) {
  Bubble other({.clock = ClockKind::kReal});
  Signals here, there;
  InBubble([&] { signal::Notify(here = MakeChan<os::Signal>(1), {SIGUSR1}); });
  other.Run([&] { signal::Notify(there = MakeChan<os::Signal>(1), {SIGUSR1}); });
  raise(SIGUSR1);
  InBubble([&] { EXPECT_EQ(here.Recv(), SIGUSR1); });
  other.Run([&] { EXPECT_EQ(there.Recv(), SIGUSR1); });
  signal::Stop(here);
  raise(SIGUSR1);
  other.Run([&] {
    EXPECT_EQ(there.Recv(), SIGUSR1) << "the handler stays while one is left";
    EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kNotified);
  });
  EXPECT_FALSE(here.TryRecv());
  signal::Stop(there);
}

TEST_F(KernelSignalTest, NotifyContextIsDoneWhenTheSignalArrives) {
  InBubble([] {
    auto [ctx, stop] = signal::NotifyContext(Background(), {SIGTERM});
    raise(SIGTERM);
    ctx.Done().Recv();
    EXPECT_EQ(ctx.Err(), Error::kCanceled);
    stop();
    EXPECT_EQ(DispositionOf(SIGTERM), Disposition::kDefault);
  });
}

TEST_F(KernelSignalTest, SleepingThreadsAreNotDisturbed) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGUSR1});
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::thread sender([&, to = pthread_self()] {
      std::this_thread::sleep_for(5ms);
      pthread_kill(to, SIGUSR1);
      std::this_thread::sleep_for(5ms);
      EXPECT_EQ(write(ends[1], "x", 1), 1);
    });
    char byte;
    EXPECT_EQ(read(ends[0], &byte, 1), 1) << "restarted, no EINTR";
    sender.join();
    EXPECT_EQ(signals.Recv(), SIGUSR1);
    signal::Stop(signals);
    close(ends[0]);
    close(ends[1]);
  });
}

// Counts the signals it gets, in place of the default action.
std::atomic<int> fell_through{0};
void CountFallenThrough(int) { fell_through.fetch_add(1); }

// Gives a signal an action for one scope.
class ScopedAction {
 public:
  ScopedAction(int signal, void (*handler)(int)) : signal_(signal) {
    struct sigaction action{};
    action.sa_handler = handler;
    sigaction(signal_, &action, &before_);
  }
  ~ScopedAction() { sigaction(signal_, &before_, nullptr); }

 private:
  const int signal_;
  struct sigaction before_{};
};

TEST_F(KernelSignalTest, AfterTheLastStopTheActionIsWhatItWasBeforeTheFirstNotify) {
  const ScopedAction action(SIGUSR2, &CountFallenThrough);
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGUSR2});
    signal::Notify(signals, {SIGUSR1});
    fell_through = 0;
    raise(SIGUSR2);
    EXPECT_EQ(signals.Recv(), SIGUSR2);
    EXPECT_EQ(fell_through, 0);
    signal::Stop(signals);
    raise(SIGUSR2);
    EXPECT_EQ(fell_through, 1);
    EXPECT_FALSE(signals.TryRecv());
  });
}

TEST_F(KernelSignalTest, ABubbleThatEndsGivesTheActionBack) {
  {
    Bubble ends({.clock = ClockKind::kReal});
    ends.Run([] { signal::Notify(MakeChan<os::Signal>(1), {SIGUSR1}); });
    InBubble([] { EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kNotified); });
  }
  InBubble([] { EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kDefault); });
}

// As nohup does with SIGHUP.
TEST_F(KernelSignalTest, ASignalIgnoredFromTheStartIsIgnoredAgainAfterStop) {
  const ScopedAction action(SIGHUP, SIG_IGN);
  InBubble([] {
    EXPECT_TRUE(signal::Ignored(SIGHUP));
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGHUP});
    EXPECT_FALSE(signal::Ignored(SIGHUP));
    raise(SIGHUP);
    EXPECT_EQ(signals.Recv(), SIGHUP);
    signal::Stop(signals);
    EXPECT_TRUE(signal::Ignored(SIGHUP));
    EXPECT_EQ(signal::Raise(SIGHUP), Disposition::kIgnored) << "and we are still here";
  });
}

TEST_F(KernelSignalTest, IgnoreReachesTheKernelAndNotifyEndsIt) {
  InBubble([] {
    signal::Ignore({SIGUSR1});
    signal::Reset({SIGUSR1});
    EXPECT_TRUE(signal::Ignored(SIGUSR1)) << "Reset does not end it";
    EXPECT_EQ(signal::Raise(SIGUSR1), Disposition::kIgnored) << "and we are still here";
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGUSR1});
    signal::Stop(signals);
    EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kDefault);
  });
}

TEST_F(KernelSignalTest, WhatWasResetIsNotCaughtAgainForAnotherSignal) {
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    const Signals other = MakeChan<os::Signal>(1);
    signal::Notify(signals, {SIGUSR1, SIGUSR2});
    signal::Reset({SIGUSR1});
    signal::Notify(other, {SIGHUP});
    EXPECT_EQ(DispositionOf(SIGUSR1), Disposition::kDefault);
    EXPECT_EQ(DispositionOf(SIGUSR2), Disposition::kNotified);
    signal::Stop(signals);
    signal::Stop(other);
  });
}

TEST_F(KernelSignalTest, WhatWasCaughtBeforeStopIsDelivered) {
  const ScopedAction action(SIGUSR1, &CountFallenThrough);
  fell_through = 0;
  InBubble([] {
    for (int i = 0; i < 1000; ++i) {
      const Signals signals = MakeChan<os::Signal>(1);
      signal::Notify(signals, {SIGUSR1});
      raise(SIGUSR1);
      signal::Stop(signals);
      ASSERT_EQ(signals.Len(), 1u) << "in round " << i;
    }
  });
  EXPECT_EQ(fell_through, 0);
}

// In Go it ends the program, for the same reason: nobody called who could be told.
TEST_F(KernelSignalTest, ASignalToAClosedChannelFailsTheBubble) {
  EXPECT_EQ(PanicOf([&] {
              InBubble([] {
                const Signals signals = MakeChan<os::Signal>(1);
                signal::Notify(signals, {SIGUSR1});
                signals.Close();
                raise(SIGUSR1);
                Select({});
              });
            }),
            "send on closed channel");
}

// However a signal and Stop meet, either the channel or the earlier action gets it, once.
TEST_F(KernelSignalTest, NoSignalIsLostWhileStopRuns) {
  const ScopedAction action(SIGUSR1, &CountFallenThrough);
  InBubble([] {
    constexpr int kSignals = 200;
    const Signals signals = MakeChan<os::Signal>(kSignals);
    fell_through = 0;
    std::atomic<bool> done = false;
    std::atomic<int> stops = 0;
    std::thread raiser([&] {
      const auto got = [&] { return fell_through + static_cast<int>(signals.Len()); };
      for (int sent = 1; sent <= kSignals && got() == sent - 1; ++sent) {
        const int stop = stops;
        while (stops == stop) std::this_thread::yield();
        for (std::atomic<int> i = 0; i < sent * 7 % 500; ++i) {
        }
        raise(SIGUSR1);
        // One at a time: two pending ones count as one. A few seconds are as good as forever.
        for (int i = 0; i < 1000 && got() < sent; ++i) {
          for (int turn = 0; turn < 100 && got() < sent; ++turn) std::this_thread::yield();
          if (got() < sent) std::this_thread::sleep_for(1ms);
        }
      }
      EXPECT_EQ(got(), kSignals) << "one was lost, or counted twice";
      done = true;
    });
    while (!done) {
      signal::Notify(signals, {SIGUSR1});
      signal::Stop(signals);
      ++stops;
    }
    raiser.join();
    RecordProperty("met_the_action_of_before", fell_through);
  });
}

TEST_F(KernelSignalTest, TheActionIsNeverTheDefaultWhileNotifyAndIgnoreAlternate) {
  const ScopedAction action(SIGUSR1, &CountFallenThrough);
  InBubble([] {
    const Signals signals = MakeChan<os::Signal>(1);
    signal::Ignore({SIGUSR1});
    fell_through = 0;
    std::atomic<bool> done = false;
    std::thread raiser([&] {
      while (!done) raise(SIGUSR1);
    });
    for (int i = 0; i < 2000; ++i) {
      signal::Notify(signals, {SIGUSR1});
      signal::Ignore({SIGUSR1});
    }
    done = true;
    raiser.join();
    EXPECT_EQ(fell_through, 0);
    signal::Notify(signals, {SIGUSR1});
    signal::Stop(signals);
  });
}

// ---- in separate processes

class SignalDeathTest : public testing::Test {
 protected:
  SignalDeathTest() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }

  // Runs `main`, which returns the exit code.
  [[noreturn]] static void Session(const std::function<int()>& main) {
    int code = 0;
    Bubble({.clock = ClockKind::kReal}).Run([&] { code = main(); });
    _exit(code);
  }
};

std::atomic<pthread_t> handled_in;

// A process has one set of threads, and any of them may get its signals.
TEST_F(SignalDeathTest, TheThreadThatCarriesSignalsTakesNoneOfTheProgramsOwn) {
  const auto program = [] {
    const ScopedAction action(SIGUSR2, [](int) { handled_in = pthread_self(); });
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);  // by all threads that come from here
    Session([&] {
      const Signals signals = MakeChan<os::Signal>(1);
      signal::Notify(signals, {SIGUSR1});
      kill(getpid(), SIGUSR1);
      if (signals.Recv() != SIGUSR1) return 3;  // the thread is there
      kill(getpid(), SIGUSR2);
      pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
      while (handled_in == pthread_t()) std::this_thread::sleep_for(1ms);
      return pthread_equal(handled_in, pthread_self()) ? 0 : 4;
    });
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "");
}

TEST_F(SignalDeathTest, ANotifyThatFindsNoThreadHasNotHappened) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer cannot live with RLIMIT_AS";
#endif
  const auto program = [] {
    Session([] {
      const Signals signals = MakeChan<os::Signal>(1);
      if (DispositionOf(SIGUSR1) != Disposition::kDefault) return 3;
      time::NewTimer(1h).Stop();  // the census has its pages
      rlimit unlimited;
      getrlimit(RLIMIT_AS, &unlimited);
      const rlimit nothing{.rlim_cur = 1 << 20, .rlim_max = unlimited.rlim_max};
      std::make_unique<char[]>(1 << 16).reset();  // there is room for what is small
      setrlimit(RLIMIT_AS, &nothing);             // below what is mapped: no more mappings
      try {
        signal::Notify(signals, {SIGUSR1});
        return 4;
      } catch (const std::exception&) {
      }
      setrlimit(RLIMIT_AS, &unlimited);
      if (DispositionOf(SIGUSR1) != Disposition::kDefault) return 5;
      if (Bubble::Current().Totals().live != 0) return 6;
      signal::Notify(signals, {SIGUSR1});
      kill(getpid(), SIGUSR1);
      return signals.Recv() == SIGUSR1 ? 0 : 7;
    });
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "");
}

// ---- the default action, in separate processes

class DefaultActionDeathTest : public testing::TestWithParam<int> {
 protected:
  DefaultActionDeathTest() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }

  static void Session(int signal, bool stops) {
    Bubble bubble({.clock = ClockKind::kReal});
    bubble.Run([&] {
      const Signals signals = MakeChan<os::Signal>(1);
      signal::Notify(signals, {signal});
      kill(getpid(), signal);
      if (signals.Recv() != signal) _exit(3);
      if (stops) signal::Stop(signals);
      kill(getpid(), signal);
      if (signals.Recv() != signal) _exit(4);
    });
    _exit(0);
  }
};
INSTANTIATE_TEST_SUITE_P(Ending, DefaultActionDeathTest, testing::Values(SIGINT, SIGTERM, SIGQUIT),
                         [](const auto& ending) {
                           return std::string("SIG") + sigabbrev_np(ending.param);
                         });

TEST_P(DefaultActionDeathTest, IsBackAfterStop) {
  EXPECT_EXIT(Session(GetParam(), true), testing::KilledBySignal(GetParam()), "");
}

TEST_P(DefaultActionDeathTest, IsNotBackWithoutStop) {
  EXPECT_EXIT(Session(GetParam(), false), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace afterleak
