#include "pairs/signal_registration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "afterleak/heap/heap.h"
#include "pairs/process.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

class Modes : public testing::TestWithParam<TimerMode> {};

TEST_P(Modes, LeakyKeepsOneMoreRegistrationForEachSessionForEver) {
  Staged run("signal_registration", Variant::kLeaky, "busy:1/s", GetParam());
  for (const int sessions : {0, 1, 10, 60, 600}) {
    const CensusTotals t = run.At(std::chrono::seconds(sessions));
    EXPECT_EQ(t.rooted, sessions + 1) << "those that are over, and the one that goes on";
    EXPECT_EQ(t.live, t.rooted + 1) << "and its timer";
    EXPECT_EQ(t.abandoned, 0) << "rooted: the run-time may still deliver to it";
  }
}

TEST_P(Modes, FixedKeepsNone) {
  Staged run("signal_registration", Variant::kFixed, "busy:1/s", GetParam());
  for (const int sessions : {0, 1, 10, 60, 600}) {
    const CensusTotals t = run.At(std::chrono::seconds(sessions));
    EXPECT_EQ(t.rooted, 1) << "that of the session that goes on";
    EXPECT_EQ(t.live, 2) << "and its timer";
  }
}

TEST_P(Modes, AfterASessionTheLeakyHostNoLongerDiesOfItsSignalsAndTheFixedOneDoes) {
  for (const auto function : {&leaky::SignalRegistration, &fixed::SignalRegistration}) {
    Bubble bubble({.timers = GetParam()});
    bubble.Run([&] {
      EXPECT_EQ(signal::DispositionOf(SIGTERM), signal::Disposition::kDefault);
      Bubble::Current().At(Time(1s), [] { signal::Raise(SIGINT); });
      EXPECT_EQ(function(30s), SIGINT);
      EXPECT_EQ(time::Now(), Time(1s));
      EXPECT_EQ(signal::DispositionOf(SIGTERM), function == &leaky::SignalRegistration
                                                    ? signal::Disposition::kNotified
                                                    : signal::Disposition::kDefault);
      EXPECT_EQ(function(30s), std::nullopt) << "no signal comes";
      EXPECT_EQ(time::Now(), Time(31s));
    });
    EXPECT_EQ(bubble.Totals().live, function == &leaky::SignalRegistration ? 2 : 0);
  }
}

INSTANTIATE_TEST_SUITE_P(, Modes, kTimerModes, NameOfTimerMode);

TEST(SignalRegistration, TheHeapGrowsWithEachLeakySessionAndStaysWhereItIsWithTheFix) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
    const Timeline timeline = RunPattern(
        Find("signal_registration"), {.variant = variant, .workload = ParseWorkload("busy:1/s")});
    const heap::Usage& early = timeline.samples[10].heap;
    const heap::Usage& late = timeline.samples[60].heap;
    const std::int64_t per_session = (late.live_blocks - early.live_blocks) / 50;
    EXPECT_EQ(late.live_blocks - early.live_blocks, per_session * 50);
    EXPECT_EQ(per_session, variant == Variant::kLeaky ? 3 : 0)
        << "the registration, its channel and the channel's ring";
    EXPECT_EQ(late.live_bytes > early.live_bytes, variant == Variant::kLeaky);
  }
}

TEST(SignalRegistrationLeaky, TheCensusNamesTheLineOfNotify) {
  Staged run("signal_registration", Variant::kLeaky, "busy:1/s");
  run.At(60s);
  const SiteReport worst = run.bubble().Report().sites[0];
  EXPECT_EQ(worst.file, "leaky/signal_registration.cc");
  EXPECT_EQ(worst.function, "leaky::SignalRegistration");
  EXPECT_EQ(worst.kind, "signal::Notify");
  EXPECT_EQ(worst.live, 61);
  EXPECT_EQ(worst.oldest_age, 60s);
}

// ---- a real process, the real clock, and signals that the kernel delivers

TEST(SignalRegistrationRealSignals, TheFixedHostDiesOfSigtermAfterItsSessions) {
  Process host({SESSION_HOST, "registration", "fixed", "3"});
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT}) {
    ASSERT_EQ(host.Line(), "listening");
    host.Send(signal);
    ASSERT_EQ(host.Line(), "ended by " + std::to_string(signal));
  }
  EXPECT_EQ(host.Line(), "live 0 abandoned 0 rooted 0");
  host.Send(SIGTERM);
  const int status = host.Wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST(SignalRegistrationRealSignals, TheLeakyHostKeepsItsRegistrationsAndIsDeafToSigterm) {
  Process host({SESSION_HOST, "registration", "leaky", "3"});
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT}) {
    ASSERT_EQ(host.Line(), "listening");
    host.Send(signal);
    ASSERT_EQ(host.Line(), "ended by " + std::to_string(signal));
  }
  EXPECT_EQ(host.Line(), "live 3 abandoned 0 rooted 3");
  host.Send(SIGTERM);
  host.Nudge();  // a process that SIGTERM ends would be gone before it could read this
  EXPECT_EQ(host.Line(), "still here");
}

}  // namespace
}  // namespace pairs
