#include <algorithm>
#include <cstdint>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {

// Not asked where a file has the verdict alone.
[[gnu::weak]] int YourBound();

namespace {

void ReturnsAtOnceAndRingsInTime() {
  const auto bell = MakeChan<std::string>(10);
  Remind(bell, "eggs", 5min);
  Remind(bell, "tea", 3min);
  Require(time::Now() == Time(), "reminder.blocks", "Remind must return at once.");
  for (const auto& [instant, text] : {std::pair(3min, "tea"), std::pair(5min, "eggs")}) {
    time::Sleep(Time(instant) - time::Now() - 1ns);
    Wait();
    Require(bell.Len() == 0, "reminder.early", "The bell rings before the delay is over.");
    time::Sleep(1ns);
    Wait();
    Require(Drain(bell) == std::vector<std::string>{text}, "reminder.lost",
            "The bell must ring when the delay is over, though nobody holds the timer any more.");
  }
}

// It waits for somebody to hear it, and only its own reminder waits with it.
void ABellThatNobodyHearsHoldsNothingUp() {
  const auto deaf = MakeChan<std::string>();
  const auto bell = MakeChan<std::string>(1);
  Remind(deaf, "tea", 1min);
  Remind(bell, "eggs", 2min);
  time::Sleep(2min);
  Wait();
  Require(Drain(bell) == std::vector<std::string>{"eggs"}, "reminder.held",
          "A bell that nobody hears must not hold up the others.");
  Require(deaf.TryRecv() == "tea", "reminder.lost",
          "A guest hears the bell a minute late, and it does not ring for them any more.");
}

// So that the fix of a leak that is none costs nothing either.
void WaitingTakesNoGoroutine() {
  const auto bell = MakeChan<std::string>(10);
  const std::int64_t before = Bubble::Current().Totals(Resource::kGoroutine).live;
  for (int i = 0; i < 10; ++i) Remind(bell, "tea", 1min);
  Wait();
  Require(Bubble::Current().Totals(Resource::kGoroutine).live == before, "decoy.changed",
          "Ten reminders are to come, and goroutines wait for them, where timers did, which take "
          "128 bytes each: nothing was wrong with the function.");
  time::Sleep(1min);
}

void GuestsDoNotDisturbEachOther() {
  std::vector<Chan<std::string>> bells;
  for (int i = 1; i <= 20; ++i) {
    bells.push_back(MakeChan<std::string>(1));
    Remind(bells.back(), "tea", i % 2 == 0 ? 10s : 25s);
    time::Sleep(1s);
  }
  time::Sleep(30s);
  for (const auto& bell : bells) {
    Require(Drain(bell) == std::vector<std::string>{"tea"}, "reminder.lost",
            "Some guests have asked for 10s and some for 25s, and not each of them has heard the "
            "bell, once.");
  }
}

void ManyAtOnce() {
  constexpr std::size_t kMany = 1000;
  const auto bell = MakeChan<std::string>(kMany);
  for (std::size_t i = 0; i < kMany; ++i) Remind(bell, std::to_string(i), 1min);
  time::Sleep(2min);
  Require(bell.Len() == kMany, "reminder.lost",
          "A thousand guests have asked at one time, and not each of them has heard the bell.");
}

void Evening(Load& load) {
  const auto bell = MakeChan<std::string>(Load::kTurns);
  for (int i = 0; i < Load::kTurns; ++i) {
    Remind(bell, "tea", 5s);
    load.Turn();
    time::Sleep(100ms);
  }
  for (int i = 0; i < 60; ++i) {
    load.Look();
    time::Sleep(100ms);
  }
  Require(bell.Len() == Load::kTurns, "reminder.lost", "Some bells have never rung.");
}

void NothingIsKeptOfABellThatHasRung() {
  const auto bell = MakeChan<std::string>(1);
  RequireFlatHeap("path.heap", "Bells have rung, and something of their reminders is still there.",
                  [&](int) {
                    Remind(bell, "tea", 5s);
                    bell.Recv();
                  });
}

void TheVerdict() {
  Require(
      YourVerdict() != Verdict::kUndecided, "verdict.undecided",
      "You have not decided yet: is it a leak? Read the plot and the census, then set kVerdict.");
  Require(
      YourVerdict() == Verdict::kNoLeak, "verdict.wrong",
      "It is no leak: each of these timers rings its bell when its time has come, and there are "
      "never more than reminders to come.");
}

// Counted, so that it is true: a guest each 8s, and each wants five minutes.
void TheBound() {
  if (YourBound == nullptr) return;
  const auto bell = MakeChan<std::string>(100);
  std::int64_t most = 0;
  for (int i = 0; i < 75; ++i) {
    Remind(bell, "tea", 5min);
    most = std::max(most, Bubble::Current().Totals().live);
    time::Sleep(8s);
  }
  time::Sleep(5min);
  const int yours = YourBound();
  Require(yours != 0, "verdict.bound",
          "What has a bound is no leak, and you have not said which bound: set kMostAtOnce.");
  Require(yours == most || yours == most - 1, "verdict.bound",
          "The number is not right: for how long is a timer live, and how many guests come in that "
          "time?");
}

}  // namespace

const Exercise kExercise = {
    .bounded = false,  // as many as there are reminders to come
    .behaviour = {ReturnsAtOnceAndRingsInTime, ABellThatNobodyHearsHoldsNothingUp,
                  WaitingTakesNoGoroutine, GuestsDoNotDisturbEachOther, ManyAtOnce},
    .load = Evening,
    .paths = {NothingIsKeptOfABellThatHasRung, TheVerdict, TheBound},
};

}  // namespace workshop
