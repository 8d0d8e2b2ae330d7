#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Purchase {
  struct Terms {
    Duration polite = 3s;
    Duration patience = 30s;
    bool throws = false;  // when it should remind
  };
  Purchase() : Purchase(Terms()) {}
  explicit Purchase(Terms terms)
      : call(Start([local = local, distant = distant, reminders = reminders, terms] {
          // On the heap, so that it is seen if somebody calls it after the return.
          const auto remind = std::make_unique<std::function<void()>>([reminders, terms] {
            reminders->push_back(time::Now());
            if (terms.throws) throw Thrown();
          });
          return FirstQuote(local, distant, terms.polite, terms.patience, *remind);
        })) {}

  Chan<int> local = MakeChan<int>(1);
  Chan<int> distant = MakeChan<int>(1);
  std::shared_ptr<std::vector<Time>> reminders = std::make_shared<std::vector<Time>>();
  std::shared_ptr<Call<std::optional<int>>> call;
};

void TakesTheFirstPrice() {
  const Purchase near;
  const Purchase far;
  time::Sleep(1s + kOffGrid);
  near.local.Send(7);
  far.distant.Send(9);
  Wait();
  Require(near.call->ReturnedAt(1s + kOffGrid) && near.call->result == std::optional(7) &&
              far.call->ReturnedAt(1s + kOffGrid) && far.call->result == std::optional(9),
          "quote.price", "The price that comes first must be returned as it comes.");
  time::Sleep(1min);
  Require(near.reminders->empty() && far.reminders->empty(), "quote.remind",
          "A supplier has answered after 1s, and is reminded nevertheless.");
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

void IsImpatientBeforeItIsPolite() {
  const Purchase brief({.polite = 30s, .patience = 3s});
  time::Sleep(1min);
  Require(brief.call->ReturnedAt(3s) && *brief.call->result == std::nullopt, "quote.patience",
          "Without an answer, the buyer must go without when patience is over, also where that is "
          "before the reminder.");
  Require(brief.reminders->empty(), "quote.remind",
          "Patience was over before the polite time was, and the suppliers are reminded after the "
          "return.");
}

void BuyersDoNotDisturbEachOther() {
  const Purchase none;
  time::Sleep(1s);
  const Purchase quick;
  time::Sleep(1s);
  const Purchase late;  // reminded at 5s
  quick.local.Send(1);
  time::Sleep(8s);
  late.distant.Send(2);
  time::Sleep(1min);
  Require(quick.call->ReturnedAt(2s) && late.call->ReturnedAt(10s) && none.call->ReturnedAt(30s) &&
              quick.reminders->empty() && *late.reminders == std::vector<Time>{Time(5s)} &&
              *none.reminders == std::vector<Time>{Time(3s)},
          "quote.together",
          "Three calls wait at one time, and end at 2s, 10s and 30s: one that ends must not "
          "disturb the reminders and the patience of the others.");
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

void NothingIsLeftOfNoPrice() {
  const Purchase none;
  const Purchase impatient({.polite = 1h, .patience = 30s});
  time::Sleep(30s);
  Wait();
  RequireNothingLeft("path.patience",
                     "When patience is over, a timer is still live after the return.");
}

void NothingIsLeftOfAThrow() {
  const Purchase thrown({.throws = true});
  time::Sleep(3s);
  Wait();
  Require(thrown.call->threw, "quote.throws", "What `remind` throws must come to the caller.");
  RequireNothingLeft("path.throws",
                     "When `remind` throws, a timer is still live after the function was left.");
}

void APriceWhenTheReminderIsDue() {
  const Purchase purchase;
  time::Sleep(3s);
  purchase.local.Send(7);
  time::Sleep(1s);
  Require(purchase.call->ReturnedAt(3s) && purchase.call->result == std::optional(7),
          "quote.instant",
          "A price comes at the very instant when the polite time is over: it must be returned.");
}

void APriceWhenPatienceEnds() {
  const Purchase purchase;
  time::Sleep(30s);
  purchase.distant.Send(7);
  time::Sleep(1s);
  Require(purchase.call->ReturnedAt(30s), "quote.instant",
          "A price comes at the very instant when patience is over: the call must end then.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {TakesTheFirstPrice, RemindsOnce, GoesWithoutWhenPatienceEnds,
                  IsImpatientBeforeItIsPolite, BuyersDoNotDisturbEachOther},
    .load = ManyPrices,
    .paths = {NothingIsLeftOfADistantPrice, NothingIsLeftOfALatePrice, NothingIsLeftOfNoPrice,
              NothingIsLeftOfAThrow},
    .instants = {APriceWhenTheReminderIsDue, APriceWhenPatienceEnds},
};

}  // namespace workshop
