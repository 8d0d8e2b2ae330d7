#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
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

void ABellThatNobodyHearsHoldsNothingUp() {
  const auto deaf = MakeChan<std::string>();
  const auto bell = MakeChan<std::string>(1);
  Remind(deaf, "tea", 1min);
  Remind(bell, "eggs", 2min);
  time::Sleep(2min);
  Wait();
  Require(Drain(bell) == std::vector<std::string>{"eggs"}, "reminder.held",
          "A bell that nobody hears must not hold up the others.");
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

void TheVerdict() {
  Require(
      YourVerdict() != Verdict::kUndecided, "verdict.undecided",
      "You have not decided yet: is it a leak? Read the plot and the census, then set kVerdict.");
  Require(
      YourVerdict() == Verdict::kNoLeak, "verdict.wrong",
      "It is no leak: each of these timers rings its bell when its time has come, and there are "
      "never more than reminders to come.");
}

}  // namespace

const Exercise kExercise = {
    .bounded = false,  // as many as there are reminders to come
    .behaviour = {ReturnsAtOnceAndRingsInTime, ABellThatNobodyHearsHoldsNothingUp},
    .load = Evening,
    .paths = {TheVerdict},
};

}  // namespace workshop
