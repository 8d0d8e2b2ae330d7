#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

// Answers after a while, unless it is told to give up first.
struct Server {
  Duration delay;
  std::string page;
  std::shared_ptr<std::optional<Time>> gave_up = std::make_shared<std::optional<Time>>();

  void operator()(context::Context ctx, Chan<std::string> answers) const {
    const time::ScopedTimer work(delay);
    if (Select({Recv(work.C()), Recv(ctx.Done())}) == 0) {
      answers.Send(page);
    } else {
      *gave_up = time::Now();
    }
  }
};

auto StartFetch(const Server& one, const Server& two) {
  return Start([one, two] { return Fetch({one, two}, 60s); });
}

void TheFirstAnswerWins() {
  const Server slow{10s, "slow"};
  const auto call = StartFetch(slow, {2s, "quick"});
  const auto empty = StartFetch({3s, ""}, slow);
  time::Sleep(20s);
  Require(call->ReturnedAt(2s) && call->result == std::optional<std::string>("quick"), "fetch.page",
          "The page of the mirror that answers first must be returned as it comes.");
  Require(empty->ReturnedAt(3s) && *empty->result == std::nullopt, "fetch.empty",
          "An empty answer that comes first must be returned as nothing, at once.");
}

void TheLimitEndsIt() {
  const Server one{5min, "one"};
  const Server two{6min, "two"};
  const auto call = StartFetch(one, two);
  time::Sleep(10min);
  Require(
      call->ReturnedAt(60s) && *call->result == std::nullopt, "fetch.limit",
      "Without an answer, nothing must be returned when the limit of 60s is over, to the instant.");
  Require(*one.gave_up == Time(60s) && *two.gave_up == Time(60s), "fetch.told",
          "When the limit is over, the mirrors must see their context done.");
}

void ManyPages(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const auto call = StartFetch({50ms, "page"}, {90ms, "the same page"});
    time::Sleep(100ms);
    load.Returned();
  }
}

void TheLoserIsToldAtOnce() {
  const Server loser{5min, "late"};
  StartFetch({1s, "page"}, loser);
  time::Sleep(10s);
  Require(*loser.gave_up == Time(1s), "path.loser",
          "A page has come after 1s, and the other mirror is not told at that instant.");
}

void NothingIsLeftOfAnEmptyAnswer() {
  const Server loser{30s, "late"};
  StartFetch({1s, ""}, loser);
  time::Sleep(10s);
  RequireNothingLeft("path.empty",
                     "When the first answer is empty, the context is still live after the return.");
}

}  // namespace

const Exercise kExercise = {
    .things = "contexts and timers",
    .behaviour = {TheFirstAnswerWins, TheLimitEndsIt},
    .load = ManyPages,
    .paths = {TheLoserIsToldAtOnce, NothingIsLeftOfAnEmptyAnswer},
};

}  // namespace workshop
