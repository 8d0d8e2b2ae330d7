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

// Answers though its context may be done: it does not look.
struct Stubborn {
  Duration delay;
  std::string page;
  std::shared_ptr<bool> let_go = std::make_shared<bool>(false);

  void operator()(const context::Context&, const Chan<std::string>& answers) const {
    time::Sleep(delay);
    answers.Send(page);
    *let_go = true;
  }
};

// What is given to Fetch is gone when it has returned.
auto StartFetch(const std::vector<Mirror>& mirrors) {
  return Start([mirrors] {
    const auto given = std::make_unique<std::vector<Mirror>>(mirrors);
    return Fetch(*given, 60s);
  });
}
auto StartFetch(const Server& one, const Server& two) {
  return StartFetch(std::vector<Mirror>{one, two});
}

void TheFirstAnswerWins() {
  const Server slow{10s, "slow"};
  const auto call = StartFetch(slow, {2s + kOffGrid, "quick"});
  const auto empty = StartFetch({3s, ""}, slow);
  time::Sleep(20s);
  Require(call->ReturnedAt(2s + kOffGrid) && call->result == std::optional<std::string>("quick"),
          "fetch.page", "The page of the mirror that answers first must be returned as it comes.");
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

void PagesDoNotDisturbEachOther() {
  const Server slow{40s, "slow"};
  const Server never{10min, "never"};
  const Server loser{20min, "loser"};
  const auto whole = StartFetch(slow, never);
  const auto none = StartFetch(never, never);
  time::Sleep(1s);
  const auto quick = StartFetch({1s, "quick"}, loser);
  time::Sleep(38s);
  const bool told_early = slow.gave_up->has_value() || never.gave_up->has_value();
  time::Sleep(10min);
  Require(!told_early && quick->ReturnedAt(2s) && whole->ReturnedAt(40s) &&
              whole->result == std::optional<std::string>("slow") && none->ReturnedAt(60s),
          "fetch.together",
          "Three pages are asked for at one time, and come at 2s, at 40s, and never: one that has "
          "come must not end the work for the others.");
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

void NothingIsLeftAtTheLimit() {
  StartFetch({2min, "one"}, {3min, "two"});
  time::Sleep(60s);
  Wait();
  RequireNothingLeft("path.limit",
                     "When the limit is over, the context is still live after the return.");
}

// Some answer late, after the return, and look at no context.
void LateAnswersAreLetGo() {
  const Stubborn losers[] = {{10s, "late"}, {20s, "later"}, {2min, "too late"}};
  const auto page = StartFetch({Server{1s, "page"}, losers[0], losers[1]});
  const Stubborn none[] = {{70s, "late"}, {80s, "later"}, {80s, ""}};
  const auto nothing = StartFetch({none[0], none[1], none[2]});
  StartFetch({losers[2]});
  time::Sleep(5min);
  for (const Stubborn& mirror : {losers[0], losers[1], losers[2], none[0], none[1], none[2]}) {
    Require(*mirror.let_go, "path.late",
            "A mirror that answers after the return still waits for somebody to take its answer, "
            "and it will wait forever.");
  }
  Require(
      page->ReturnedAt(1s) && nothing->ReturnedAt(60s), "fetch.waits",
      "Some mirrors look at no context: the page must be returned as it comes, and nothing when "
      "the limit is over, though they still work.");
}

void AllAnswerAtOneInstant() {
  const Server loser{5min, "late"};
  const auto call =
      StartFetch({Stubborn{2s, "page"}, Server{2s, "page"}, Stubborn{2s, "page"}, loser});
  time::Sleep(10s);
  Require(call->ReturnedAt(2s) && call->result == std::optional<std::string>("page") &&
              *loser.gave_up == Time(2s),
          "fetch.instant",
          "Three mirrors answer at one instant: the page must be returned then, and the fourth "
          "mirror be told.");
}

void AnAnswerAtTheLimit() {
  const auto call = StartFetch({Stubborn{60s, "page"}, Server{60s, "page"}});
  time::Sleep(2min);
  Require(call->ReturnedAt(60s), "fetch.instant",
          "An answer comes at the very instant of the limit: the call must end then.");
}

}  // namespace

const Exercise kExercise = {
    .things = "contexts and timers",
    .behaviour = {TheFirstAnswerWins, TheLimitEndsIt, PagesDoNotDisturbEachOther},
    .load = ManyPages,
    .paths = {TheLoserIsToldAtOnce, NothingIsLeftOfAnEmptyAnswer, NothingIsLeftAtTheLimit,
              LateAnswersAreLetGo},
    .instants = {AllAnswerAtOneInstant, AnAnswerAtTheLimit},
};

}  // namespace workshop
