#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Purchase {
  Chan<int> local = MakeChan<int>(1);
  Chan<int> distant = MakeChan<int>(1);
  std::shared_ptr<std::vector<Time>> reminders = std::make_shared<std::vector<Time>>();
  std::shared_ptr<Call<std::optional<int>>> call = Start([local = local, distant = distant,
                                                          reminders = reminders] {
    return FirstQuote(local, distant, 3s, 30s, [reminders] { reminders->push_back(time::Now()); });
  });
};

void TakesTheFirstPrice() {
  const Purchase near;
  const Purchase far;
  time::Sleep(1s);
  near.local.Send(7);
  far.distant.Send(9);
  Wait();
  Require(near.call->ReturnedAt(1s) && near.call->result == std::optional(7) &&
              far.call->ReturnedAt(1s) && far.call->result == std::optional(9),
          "quote.price", "The price that comes first must be returned as it comes.");
}

void RemindsOnce() {
  const Purchase slow;
  time::Sleep(20s);
  Require(*slow.reminders == std::vector<Time>{Time(3s)}, "quote.remind",
          "Without an answer, the suppliers must be reminded once, when the polite time of 3s is "
          "over.");
  slow.distant.Send(5);
  Wait();
  Require(slow.call->ReturnedAt(20s) && slow.call->result == std::optional(5), "quote.late",
          "A price that comes after the reminder, and within patience, must be taken.");
}

void GoesWithoutWhenPatienceEnds() {
  const Purchase none;
  time::Sleep(40s);
  Require(none.call->ReturnedAt(30s) && *none.call->result == std::nullopt, "quote.patience",
          "Without an answer, the buyer must go without when the patience of 30s is over, to the "
          "instant.");
}

void ManyPrices(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Purchase purchase;
    time::Sleep(100ms);
    purchase.local.Send(i);
    load.Returned();
  }
}

void NothingIsLeftOfADistantPrice() {
  const Purchase early;
  time::Sleep(1s);
  early.distant.Send(1);
  Wait();
  RequireNothingLeft(
      "path.distant",
      "When the distant supplier answers first, a timer is still live after the return.");
}

void NothingIsLeftOfALatePrice() {
  const Purchase late;
  time::Sleep(10s);
  late.local.Send(1);
  Wait();
  RequireNothingLeft(
      "path.reminded",
      "When a price comes after the reminder, a timer is still live after the return.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {TakesTheFirstPrice, RemindsOnce, GoesWithoutWhenPatienceEnds},
    .load = ManyPrices,
    .paths = {NothingIsLeftOfADistantPrice, NothingIsLeftOfALatePrice},
};

}  // namespace workshop
