#include "pairs/signal_before_expiry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <tuple>

#include "afterleak/heap/heap.h"
#include "pairs/process.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

TEST(SignalBeforeExpiryLeaky, OneSessionLeavesItsTimerUntilItsTimeIsOver) {
  Staged run("signal_before_expiry", Variant::kLeaky, "signal@1s");
  EXPECT_EQ(run.At(1s - 1ns).abandoned, 0) << "the session listens to it";
  EXPECT_EQ(run.At(1s).live, 1);
  EXPECT_EQ(run.At(1s).abandoned, 1);
  EXPECT_EQ(run.At(30s - 1ns).abandoned, 1);
  EXPECT_EQ(run.At(30s).live, 0);
  EXPECT_EQ(run.At(30s).fired_unheard, 1);
}

TEST(SignalBeforeExpiryLeaky, InModeGo123NothingIsLeft) {
  Staged run("signal_before_expiry", Variant::kLeaky, "signal@1s", TimerMode::kGo123);
  EXPECT_EQ(run.At(1s).live, 0);
  EXPECT_EQ(run.At(1s).collected, 1);
}

TEST(SignalBeforeExpiryFixed, OneSessionLeavesNothing) {
  Staged run("signal_before_expiry", Variant::kFixed, "signal@1s");
  EXPECT_EQ(run.At(1s - 1ns).live, 1);
  EXPECT_EQ(run.At(1s).live, 0);
  EXPECT_EQ(run.At(1s).stopped, 1);
}

class Sessions : public testing::TestWithParam<int> {
 protected:
  const int rate_ = GetParam();
  const std::string workload_ = "busy:" + std::to_string(rate_) + "/s";
};

TEST_P(Sessions, LeakyHoldsOneTimerForEachSessionOfTheLastThirtySeconds) {
  Staged run("signal_before_expiry", Variant::kLeaky, workload_);
  for (const Duration at : {Duration(30s), Duration(60s), Duration(600s)}) {
    EXPECT_EQ(run.At(at).live, rate_ * 30) << "s * d";
    EXPECT_EQ(run.At(at).abandoned, rate_ * 30 - 1) << "all but that of the session that goes on";
  }
}

TEST_P(Sessions, FixedHoldsOnlyThatOfTheSessionThatGoesOn) {
  Staged run("signal_before_expiry", Variant::kFixed, workload_);
  for (const Duration at : {Duration(30s), Duration(600s)}) EXPECT_EQ(run.At(at).live, 1);
  EXPECT_EQ(run.At(600s).peak_live, 1);
  EXPECT_EQ(run.At(600s).stopped, rate_ * 600);
}

INSTANTIATE_TEST_SUITE_P(ASecond, Sessions, testing::Values(1, 2, 100),
                         testing::PrintToStringParamName());

TEST(SignalBeforeExpiry, BothSidesReturnTheSignalOrNothingWhenTheTimeIsOver) {
  for (const auto function : {&leaky::SignalBeforeExpiry, &fixed::SignalBeforeExpiry}) {
    Bubble bubble;
    bubble.Run([&] {
      const auto signals = MakeChan<os::Signal>(1);
      signal::Notify(signals, {SIGINT, SIGQUIT});
      Bubble::Current().At(Time(1s), [] { signal::Raise(SIGQUIT); });
      EXPECT_EQ(function(signals, 30s), SIGQUIT);
      EXPECT_EQ(time::Now(), Time(1s));
      EXPECT_EQ(function(signals, 30s), std::nullopt);
      EXPECT_EQ(time::Now(), Time(31s));
    });
  }
}

TEST(SignalBeforeExpiry, TheHeapGrowsByOneBlockASessionAndReturnsToWhereItWas) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  for (const auto function : {&leaky::SignalBeforeExpiry, &fixed::SignalBeforeExpiry}) {
    Bubble bubble;
    const heap::Scope scope;
    bubble.Run([&] {
      const auto signals = MakeChan<os::Signal>(1);
      for (int i = 0; i < 1000; ++i) {
        signals.Send(SIGTERM);
        function(signals, 30s);
      }
    });
    EXPECT_EQ(scope.usage().live_blocks, function == &leaky::SignalBeforeExpiry ? 1000 : 0);
    EXPECT_EQ(scope.usage().live_bytes, bubble.Totals().live_bytes);
    bubble.AdvanceTo(30s);
    EXPECT_EQ(scope.usage().live_blocks, 0);
    EXPECT_EQ(scope.usage().live_bytes, 0);
  }
}

// ---- a real process, the real clock, and signals that the kernel delivers

class RealSignals : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RealSignals, EndTheSessionsAndTheLeakySideLeavesATimerForEach) {
  const auto& [side, signal] = GetParam();
  Process host({SESSION_HOST, "before_expiry", side, "3"});
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(host.Line(), "listening");
    host.Send(signal);
    ASSERT_EQ(host.Line(), "ended by " + std::to_string(signal));
  }
  EXPECT_EQ(host.Line(), side == std::string("leaky") ? "live 3 abandoned 3 rooted 0"
                                                      : "live 0 abandoned 0 rooted 0");
  host.Send(SIGTERM);
  const int status = host.Wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
      << "after signal::Stop the default action is back";
}

INSTANTIATE_TEST_SUITE_P(, RealSignals,
                         testing::Combine(testing::Values("leaky", "fixed"),
                                          testing::Values(SIGINT, SIGTERM, SIGQUIT)),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param)) + "_" +
                                  sigabbrev_np(std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace pairs
