// Article A, "Case of a leaking timer in go"; results/claims.md has its date and what it quotes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"
#include "pairs/claims.h"
#include "pairs/early_return.h"
#include "pairs/looping_select.h"
#include "pairs/staged.h"
#include "tests/support/test_bubble.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;

Staged Idle(Variant variant = Variant::kLeaky) { return Staged("looping_select", variant, "idle"); }

TEST_F(Claims, TheFirstTurnCreatesTwoTimers) {
  const CensusTotals t = Idle().At(0s);
  Decide("A", 1, "the first turn of the loop creates two timers",
         "on first iteration we create 2 timers",
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
      "30s times is always leaking. It never has a chance to fire!",
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
         "two new timers created on each iteration with only 3s timer firing",
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
  Decide("A", 4, "a message leaves two timers hanging", "we quit, but leave 2 more timers hanging",
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
         "That is why timer escapes to heap",
         {.to_the_letter = heap_is_the_cause,
          .in_substance = heap_is_the_cause,
          .measured = fmt::format(
              "the fixed side has {} heap blocks while it runs, and {} after it", during, after),
          .correction = "the run-time's timer queue refers to the timer; where that was allocated "
                        "does not matter"},
         "does not hold");
}

// How many messages a side of the loop handles, of 100 a second for a minute.
int HandledInAMinute(void (*function)(Chan<std::string>, LoopTimes, const Work&)) {
  int handled = 0;
  Bubble bubble;
  Chan<std::string> messages;
  bubble.Run([&] { messages = MakeChan<std::string>(1); });
  bubble.Go([&] {
    function(messages, {}, {.handle = [&](const std::string&) { ++handled; }, .poll = [] {}});
  });
  Schedule(bubble, ParseWorkload("busy:100/s"), [&] { messages.TrySend("hello"); });
  bubble.AdvanceTo(60s);
  return handled;
}

TEST_F(Claims, ADeadlineAndATickerFixIt) {
  Staged run = Idle(Variant::kFixed);
  const CensusTotals during = run.At(30s - 1ns);
  const CensusTotals after = run.At(30s);
  const bool bounded =
      during.peak_live == 2 && after.live == 0 && after.peak_abandoned == 0 && after.ticks == 10;
  const int leaky = HandledInAMinute(leaky::LoopingSelect);
  const int fixed = HandledInAMinute(fixed::LoopingSelect);
  Decide("A", 6, "a context with a deadline and a ticker fix it",
         "I'd go with context.WithDeadline() to be able to timeout loop and also I'd use "
         "time.Ticker",
         {.to_the_letter = bounded && fixed == leaky,
          .in_substance = bounded,
          .measured = fmt::format("idle: at most {} live, {} ticks, {} live after the end at t = "
                                  "30 s; of {} messages in a minute it handles {}",
                                  during.peak_live, after.ticks, after.live, leaky, fixed),
          .correction = "it bounds the timers and changes the work: the loop ends after 30 s even "
                        "while messages come, and polls though they come; the fix of "
                        "idle_timeout does not"},
         "holds with a correction");
}

TEST_F(Claims, TheTimerIsNotRecoveredUntilItFires) {
  Staged go122("early_return", Variant::kLeaky, "message@0s");
  Staged go123("early_return", Variant::kLeaky, "message@0s", TimerMode::kGo123);
  const bool kept = go122.At(30s - 1ns).live == 1 && go122.At(30s).live == 0;
  const std::int64_t collected = go123.At(0s).collected;
  Decide("A", 7, "the underlying timer is not recovered until it fires (as documented then)",
         "not recovered by the garbage collector until the timer fires",
         {.to_the_letter = kept,
          .in_substance = kept,
          .measured = fmt::format(
              "go122: live until t = 30 s exactly; go123: {} of 2 collected at once", collected),
          .correction = {}},
         "holds");
}

// The fate of a timer of 30 s that nobody can hear: "kept" or "collected".
template <typename Arm>
std::string FateOfDropped(TimerMode mode, Arm arm) {
  Bubble bubble({.timers = mode});
  bubble.Run([&] { std::ignore = arm(); });
  const CensusTotals t = bubble.Totals();
  return t.live == 1 && t.abandoned == 1 ? "kept" : t.collected == 1 ? "collected" : "lost";
}

TEST_F(Claims, AfterIsNewTimersChannel) {
  bool same = true;
  Bubble bubble;
  bubble.Run([&] {
    const RecvChan<Time> after = time::After(30s);
    const std::int64_t one = bubble.Totals().live_bytes;
    const RecvChan<Time> channel = time::NewTimer(30s).C();
    same = bubble.Totals().live == 2 && bubble.Totals().live_bytes == 2 * one &&
           after.Recv() == Time(30s) && channel.Recv() == Time(30s);
  });
  std::string fates;
  for (const TimerMode mode : {TimerMode::kGo122, TimerMode::kGo123}) {
    const std::string after = FateOfDropped(mode, [] { return time::After(30s); });
    const std::string channel = FateOfDropped(mode, [] { return time::NewTimer(30s).C(); });
    same = same && after == channel;
    fates += fmt::format("; dropped in {}: {} and {}", ToString(mode), after, channel);
  }
  Decide("A", 13, "After is equivalent to NewTimer(d).C", "It is equivalent to NewTimer(d).C",
         {.to_the_letter = same,
          .in_substance = same,
          .measured = "both are one timer of the same size, which fires at t = 30 s" + fates,
          .correction = {}},
         "holds");
}

TEST_F(Claims, NewTimerAndStopAreMoreEfficient) {
  const auto left = [](TimerMode mode, bool stop) {
    Bubble bubble({.timers = mode});
    bubble.Run([&] {
      for (int i = 0; i < 1000; ++i) {
        if (stop)
          time::NewTimer(30s).Stop();
        else
          std::ignore = time::After(30s);
      }
    });
    return bubble.Totals().live;
  };
  const std::int64_t after = left(TimerMode::kGo122, false);
  const std::int64_t stopped = left(TimerMode::kGo122, true);
  Decide("A", 14, "use NewTimer and Stop if efficiency is a concern",
         "If efficiency is a concern, use NewTimer instead and call Timer.Stop",
         {.to_the_letter = after == 1000 && stopped == 0,
          .in_substance = stopped < after,
          .measured = fmt::format("of 1,000 that are not needed After leaves {} live, NewTimer and "
                                  "Stop {}; in go123 {} and {}",
                                  after, stopped, left(TimerMode::kGo123, false),
                                  left(TimerMode::kGo123, true)),
          .correction = {}},
         "holds");
}

}  // namespace
}  // namespace pairs
