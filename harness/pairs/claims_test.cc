// What the two articles claim, one test for each claim. evidence/results/claims.py writes
// results/claims.md from the outcomes.
//
// A test measures whether the claim holds to the letter, and whether it holds in substance. The
// verdict follows from the two, and is compared with the one that the project stands by, so that a
// run-time that behaves differently fails here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"
#include "pairs/early_return.h"
#include "pairs/looping_select.h"
#include "pairs/signal_before_expiry.h"
#include "pairs/signal_registration.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

struct Outcome {
  bool to_the_letter = false;
  bool in_substance = false;
  std::string measured;
  std::string correction;  // if it does not hold to the letter
};

class Claims : public testing::Test {
 protected:
  void Decide(const char* article, int number, const char* claim, const Outcome& outcome,
              const char* expected) {
    const std::string verdict = outcome.to_the_letter  ? "holds"
                                : outcome.in_substance ? "holds with a correction"
                                                       : "does not hold";
    RecordProperty("article", article);
    RecordProperty("number", number);
    RecordProperty("claim", claim);
    RecordProperty("measured", outcome.measured);
    RecordProperty("verdict", verdict);
    if (!outcome.to_the_letter) RecordProperty("correction", outcome.correction);
    EXPECT_EQ(verdict, expected) << outcome.measured;
  }
};

Staged Idle(Variant variant = Variant::kLeaky) { return Staged("looping_select", variant, "idle"); }

TEST_F(Claims, TheFirstTurnCreatesTwoTimers) {
  const CensusTotals t = Idle().At(0s);
  Decide("A", 1, "the first turn of the loop creates two timers",
         {.to_the_letter = t.armed == 2 && t.live == 2,
          .in_substance = t.armed > 0,
          .measured = fmt::format("{} armed at t = 0", t.armed),
          .correction = {}},
         "holds");
}

TEST_F(Claims, TheThirtySecondTimerNeverHasAChanceToFire) {
  Staged run = Idle();
  const CensusTotals t = run.At(600s);
  const bool loop_goes_on =
      ToString(run.bubble().Goroutines()).find("leaky/looping_select.cc") != std::string::npos;
  Decide(
      "A", 2, "the 30 s timer always leaks and never has a chance to fire",
      {.to_the_letter = t.fired_unheard == 0 && t.abandoned > 0,
       .in_substance = t.abandoned > 0 && loop_goes_on,
       .measured = fmt::format(
           "after 10 minutes {} are abandoned, {} have fired unheard, and the loop goes on",
           t.abandoned, t.fired_unheard),
       .correction =
           "it fires, 30 s after its turn, into a channel that nobody reads; its case never wins"},
      "holds with a correction");
}

TEST_F(Claims, WithoutMessagesEachTurnMakesTwoNewTimersAndOnlyTheThreeSecondOneFires) {
  Staged run = Idle();
  const CensusTotals before = run.At(27s);
  const CensusTotals heard = run.At(30s - 1ns);
  const bool two_a_turn = before.armed == 2 * 10;
  const bool only_short_ones = heard.fired == 9 && heard.fired_unheard == 0;
  const CensusTotals later = run.At(60s);
  Decide("A", 3, "without messages each turn makes two new timers and only the 3 s one fires",
         {.to_the_letter = two_a_turn && later.fired_unheard == 0,
          .in_substance = two_a_turn && only_short_ones,
          .measured = fmt::format(
              "{} armed in 10 turns; {} fired before t = 30 s, all of 3 s; {} of 30 s by t = 60 s",
              before.armed, heard.fired, later.fired_unheard),
          .correction = "so it is until t = 30 s; from then on those of 30 s fire too, unheard"},
         "holds with a correction");
}

TEST_F(Claims, AMessageLeavesTwoTimersHanging) {
  Staged run("early_return", Variant::kLeaky, "message@0s");
  const CensusTotals t = run.At(0s);
  Decide("A", 4, "a message leaves two timers hanging",
         {.to_the_letter = t.abandoned == 2,
          .in_substance = t.abandoned > 0,
          .measured = fmt::format("{} abandoned when the call has returned", t.abandoned),
          .correction = {}},
         "holds");
}

TEST_F(Claims, ItLeaksBecauseTheTimerEscapesToTheHeap) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  // The fixed side has its timers on the heap as well. If the heap were the cause, it
  // would leak too.
  Bubble bubble;
  const heap::Scope scope;
  bubble.Go(
      [] { fixed::LoopingSelect({}, {}, {.handle = [](const std::string&) {}, .poll = [] {}}); });
  bubble.AdvanceTo(15s);
  const std::int64_t during = scope.usage().live_blocks;
  bubble.AdvanceTo(30s);
  const std::int64_t after = scope.usage().live_blocks;
  const bool heap_is_the_cause = during == 0 || after > 0;
  Decide("A", 5, "it leaks because the timer escapes to the heap",
         {.to_the_letter = heap_is_the_cause,
          .in_substance = heap_is_the_cause,
          .measured = fmt::format(
              "the fixed side has {} heap blocks while it runs, and {} after it", during, after),
          .correction = "the run-time's timer queue refers to the timer; where that was allocated "
                        "does not matter"},
         "does not hold");
}

TEST_F(Claims, ADeadlineAndATickerFixIt) {
  Staged run = Idle(Variant::kFixed);
  const CensusTotals during = run.At(30s - 1ns);
  const CensusTotals after = run.At(30s);
  const bool fixed =
      during.peak_live == 2 && after.live == 0 && after.peak_abandoned == 0 && after.ticks == 10;
  Decide("A", 6, "a context with a deadline and a ticker fix it",
         {.to_the_letter = fixed,
          .in_substance = fixed,
          .measured = fmt::format("at most {} live, {} ticks, {} live after the end at t = 30 s",
                                  during.peak_live, after.ticks, after.live),
          .correction = {}},
         "holds");
}

TEST_F(Claims, TheTimerIsNotRecoveredUntilItFires) {
  Staged go122("early_return", Variant::kLeaky, "message@0s");
  Staged go123("early_return", Variant::kLeaky, "message@0s", TimerMode::kGo123);
  const bool kept = go122.At(30s - 1ns).live == 1 && go122.At(30s).live == 0;
  const std::int64_t collected = go123.At(0s).collected;
  Decide("A", 7, "the underlying timer is not recovered until it fires (as documented then)",
         {.to_the_letter = kept,
          .in_substance = kept,
          .measured = fmt::format(
              "go122: live until t = 30 s exactly; go123: {} of 2 collected at once", collected),
          .correction = {}},
         "holds");
}

TEST_F(Claims, AfterTheSignalTheChannelStaysUntilTheDurationIsOver) {
  Staged run("signal_before_expiry", Variant::kLeaky, "signal@1s");
  const std::int64_t after_signal = run.At(1s).abandoned;
  const std::int64_t just_before = run.At(30s - 1ns).abandoned;
  const std::int64_t at_the_end = run.At(30s).live;
  const bool stays = after_signal == 1 && just_before == 1 && at_the_end == 0;
  Decide(
      "B", 8, "after the signal the timer's channel stays in the heap until the duration is over",
      {.to_the_letter = stays,
       .in_substance = stays,
       .measured =
           fmt::format("{} abandoned from t = 1 s, {} live at t = 30 s", after_signal, at_the_end),
       .correction = {}},
      "holds");
}

TEST_F(Claims, StopLetsItBeCollectedSooner) {
  Staged run("signal_before_expiry", Variant::kFixed, "signal@1s");
  const CensusTotals t = run.At(1s);
  const bool sooner = t.live == 0 && t.stopped == 1;
  Decide("B", 9, "Stop lets it be collected sooner",
         {.to_the_letter = sooner,
          .in_substance = sooner,
          .measured = fmt::format("{} live when the session has ended at t = 1 s", t.live),
          .correction = {}},
         "holds");
}

TEST_F(Claims, StopClosesTheChannel) {
  bool closed = true;
  Bubble bubble;
  bubble.Run([&] {
    const time::Timer timer = time::NewTimer(1s);
    timer.Stop();
    closed = Select({Recv(timer.C()), Default()}) == 0;
  });
  Decide(
      "B", 10, "Stop closes the channel",
      {.to_the_letter = closed,
       .in_substance = closed,
       .measured = closed ? "a receive after Stop returns" : "a receive after Stop is not ready",
       .correction = "it leaves the channel open and empty: a receive after Stop blocks forever"},
      "does not hold");
}

TEST_F(Claims, ItMattersOnlyWhereTheHostProcessLivesOn) {
  // One session leaves one timer, for at most its duration; in a host that goes
  // on, they accumulate.
  Staged once("signal_before_expiry", Variant::kLeaky, "signal@1s");
  Staged host("signal_before_expiry", Variant::kLeaky, "busy:2/s");
  const std::int64_t one = once.At(29s).abandoned;
  const std::int64_t many = host.At(60s).abandoned;
  Decide("B", 11, "it matters only where the host process lives on",
         {.to_the_letter = one == 1 && many > one,
          .in_substance = many > one,
          .measured =
              fmt::format("{} abandoned after one session, {} at 2 sessions a second", one, many),
          .correction = {}},
         "holds");
}

TEST_F(Claims, TheFixLeavesNothingBehind) {
  // leaky/signal_registration.cc is the article's fix: its timer is stopped.
  Staged run("signal_registration", Variant::kLeaky, "busy:1/s");
  const std::int64_t registrations = run.At(60s).rooted - 1;
  const bool nothing = registrations == 0;
  Decide(
      "B", 12, "the fix leaves nothing behind",
      {.to_the_letter = nothing,
       .in_substance = nothing,
       .measured = fmt::format("{} registrations are left after 60 sessions", registrations),
       .correction = "Notify without signal::Stop keeps a registration for each session, forever"},
      "does not hold");
}

}  // namespace
}  // namespace pairs
