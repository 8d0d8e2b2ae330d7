// Article B, "A Randomly-Timed Memory Leak"; results/claims.md has its author, date and address.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>

#include "afterleak/afterleak.h"
#include "pairs/claims.h"
#include "pairs/signal_before_expiry.h"
#include "pairs/signal_registration.h"
#include "pairs/staged.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

TEST_F(Claims, AfterTheSignalTheChannelStaysUntilTheDurationIsOver) {
  Staged run("signal_before_expiry", Variant::kLeaky, "signal@1s");
  const std::int64_t after_signal = run.At(1s).abandoned;
  const std::int64_t just_before = run.At(30s - 1ns).abandoned;
  const std::int64_t at_the_end = run.At(30s).live;
  const bool stays = after_signal == 1 && just_before == 1 && at_the_end == 0;
  Decide(
      "B", 8, "after the signal the timer's channel stays in the heap until the duration is over",
      "the timer's channel continues to exists in the heap until its duration is over",
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
         "it allows Go's garbage collector to clean it sooner",
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
      "allows me to close its channel after a termination signal is received",
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
         "an issue only when cocainate's code is imported as a Go module to other codebases",
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
      "thus preventing the memory leak and the problems it can cause down the line",
      {.to_the_letter = nothing,
       .in_substance = nothing,
       .measured = fmt::format("{} registrations are left after 60 sessions", registrations),
       .correction = "Notify without signal::Stop keeps a registration for each session, forever"},
      "does not hold");
}

TEST_F(Claims, WhatIsAccessibleAndNoLongerReadIsALeak) {
  Bubble bubble;
  std::int64_t dropped = 0;
  std::int64_t held = 0;
  bubble.Run([&] {
    std::ignore = time::After(30s);
    dropped = bubble.Totals().abandoned;
    const RecvChan<Time> unread = time::After(30s);
    held = bubble.Totals().abandoned - dropped;
  });
  Decide("B", 16, "a channel that is still accessible and no longer read is a memory leak",
         "still accessible despite no longer being read by the program, which constitutes a memory "
         "leak",
         {.to_the_letter = dropped == 1 && held == 1,
          .in_substance = dropped == 1,
          .measured = fmt::format("nobody reads two channels: that without a handle counts {} as "
                                  "abandoned, that with one {}",
                                  dropped, held),
          .correction = "the program cannot access it any more: only the run-time's timer queue "
                        "can, so leak checkers call it reachable; a channel with a handle can "
                        "still be read, and is no leak"},
         "holds with a correction");
}

TEST_F(Claims, ItMayLeadToPerformanceAndReliabilityIssues) {
  Staged leaky("signal_before_expiry", Variant::kLeaky, "busy:100/s");
  Staged fixed("signal_before_expiry", Variant::kFixed, "busy:100/s");
  const CensusTotals early = leaky.At(60s);
  const CensusTotals late = leaky.At(600s);
  const std::int64_t needed = fixed.At(600s).live_bytes;
  Decide("B", 17, "it may lead to performance and reliability issues",
         "may lead to performance and reliability issues",
         {.to_the_letter = early.live_bytes > 1000 * needed,
          .in_substance = early.live_bytes > needed,
          .measured = fmt::format(
              "100 sessions a second hold {} bytes in {} timers, where {} bytes are needed; ten "
              "minutes hold no more ({} timers): sessions a second times their length bounds it",
              early.live_bytes, early.live, needed, late.live),
          .correction = {}},
         "holds");
}

TEST_F(Claims, ASelectChecksItsChannelsAgainAndAgain) {
  int checks = 0;
  Bubble bubble;
  bubble.Go([&] {
    const auto signals = MakeChan<os::Signal>(1);
    const auto checked = [&](RecvChan<os::Signal> chan) {
      ++checks;
      return chan;
    };
    Select({Recv(checked(signals)), Recv(time::After(30s))});
  });
  bubble.AdvanceTo(15s);
  const std::string waits_for = bubble.Goroutines().at(0).waits_for;
  bubble.AdvanceTo(30s);
  const bool again = checks > 1 || waits_for != "select" || !bubble.Goroutines().empty();
  Decide("B", 18, "its diagram draws two loops that check again and again",
         "check for termination signal",
         {.to_the_letter = again,
          .in_substance = again,
          .measured = fmt::format("in 30 s the select looked at its channels {} time; halfway its "
                                  "goroutine was parked in {}",
                                  checks, waits_for),
          .correction = "the diagram's two loops are one select, which parks the goroutine until "
                        "the first of the two comes"},
         "does not hold");
}

}  // namespace
}  // namespace pairs
