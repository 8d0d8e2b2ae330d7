#include "workshop/asio_loop.h"
#include "workshop/on_asio.h"

namespace workshop {
namespace {

constexpr Duration kLimit = 30s + 7ms;

// A name server that answers when it is told to.
class Server {
 public:
  NameServer Ask() {
    return [this](const std::string&, std::function<void(std::string)> answered) {
      questions_.push_back(std::move(answered));
    };
  }
  void Answer(std::size_t question = 0) const {
    Require(question < questions_.size(), "lookup.asks", "The server is not asked.");
    questions_[question]("10.0.0.1");
  }
  void LetGo() { questions_.clear(); }
  std::size_t questions() const { return questions_.size(); }

 private:
  std::vector<std::function<void(std::string)>> questions_;
};

NameServer AnswersAtOnce() {
  return [](const std::string&, const std::function<void(std::string)>& answered) {
    answered("10.0.0.1");
  };
}

NameServer LetsGoAtOnce() {
  return [](const std::string&, const std::function<void(std::string)>&) {};
}

// A lookup, and how it ended. Must live until it has.
struct Asked {
  explicit Asked(const NameServer& ask, Duration limit = kLimit) {
    Lookup(AsioLoop::Current(), ask, "example.org", limit, [this](std::optional<std::string> text) {
      ++calls;
      answer = std::move(text);
      at = TimeInPlace();
    });
  }

  bool AnsweredAt(Duration since_start) const {
    return calls == 1 && at == Time(since_start) && answer == "10.0.0.1";
  }
  bool GaveUpAt(Duration since_start) const {
    return calls == 1 && at == Time(since_start) && !answer;
  }

  int calls = 0;
  std::optional<std::string> answer;
  Time at{};
};

void AnswersWhenTheServerDoes() {
  Server server;
  const Asked asked(server.Ask());
  RunUntil(2s);
  Require(server.questions() == 1, "lookup.asks", "The server must be asked, once.");
  Require(asked.calls == 0, "lookup.answer", "Nobody has answered yet, and `done` was called.");
  server.Answer();
  RunUntil(2s);
  Require(asked.AnsweredAt(2s), "lookup.answer",
          "When the server answers, at 2s here, `done` must be called with the answer, at once.");
  RunUntil(2min);
  Require(asked.calls == 1, "lookup.twice", "`done` was called a second time, after the answer.");
}

void GivesUpAtTheLimit() {
  Server server;
  const Asked asked(server.Ask());
  RunUntil(40s);
  Require(asked.GaveUpAt(kLimit), "lookup.limit",
          "If no answer comes, `done` must be called with nothing when the limit of 30s and 7ms is "
          "over, to the instant.");
  server.Answer();
  RunUntil(2min);
  Require(asked.calls == 1, "lookup.twice", "A late answer must be ignored.");
}

void AnAnswerAtOnce() {
  const Asked asked(AnswersAtOnce());
  RunUntil(1s);
  Require(asked.AnsweredAt(0s), "lookup.at_once",
          "The server may answer in the very call that asks it: `done` must be called then.");
  RunUntil(2min);
  Require(asked.calls == 1, "lookup.twice", "`done` was called a second time, after the answer.");
}

void LookupsDoNotDisturbEachOther() {
  Server server;
  const Asked first(server.Ask());
  const Asked hasty(server.Ask(), 5s);
  RunUntil(1s);
  const Asked patient(server.Ask(), 50s);
  const Asked silent(server.Ask(), 20s);
  RunUntil(3s);
  server.Answer(0);
  RunUntil(40s);
  server.Answer(2);
  RunUntil(2min);
  Require(
      first.AnsweredAt(3s) && hasty.GaveUpAt(5s) && patient.AnsweredAt(40s) && silent.GaveUpAt(21s),
      "lookup.together",
      "Four lookups of one name go on at one time, and end at 3s, 5s, 21s and 40s: each has its "
      "limit, whatever becomes of the others.");
}

void AServerThatLetsGo() {
  Server server;
  const Asked asked(server.Ask());
  const Asked another(LetsGoAtOnce());
  RunUntil(1s);
  server.LetGo();
  RunUntil(2min);
  Require(asked.GaveUpAt(kLimit) && another.GaveUpAt(kLimit), "lookup.let_go",
          "The server has let go of the question without an answer: `done` must be called when the "
          "limit of 30s is over.");
}

void DoneMayAskAgain() {
  Server server;
  int answers = 0;
  std::function<void(std::optional<std::string>)> again = [&](const std::optional<std::string>&) {
    if (++answers < 3) Lookup(AsioLoop::Current(), server.Ask(), "example.org", kLimit, again);
  };
  Lookup(AsioLoop::Current(), server.Ask(), "example.org", kLimit, again);
  for (std::size_t i = 0; i < 2; ++i) {
    RunFor(1s);
    server.Answer(i);
  }
  RunUntil(2min);
  Require(answers == 3 && TimeInPlace() == Time(2min), "lookup.again",
          "`done` may begin another lookup, which has its limit like any other.");
}

void ManyLookups(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    Server server;
    const Asked asked(server.Ask());
    RunFor(100ms);
    server.Answer();
    server.LetGo();
    load.Returned();
  }
}

void NothingIsLeftOfAnAnswerAtOnce() {
  const Asked asked(AnswersAtOnce());
  RunFor(0s);
  RequireNothingLeft("path.at_once",
                     "The server has answered at once, and a timer still waits in the loop.");
}

void NothingIsLeftWhenItGivesUp() {
  Server server;
  const Asked asked(server.Ask());
  const Asked another(LetsGoAtOnce());
  RunUntil(kLimit);
  RequireNothingLeft("path.limit", "The limit is over, and a timer still waits in the loop.");
}

// `first`: the answer comes before the loop has called the handler of the timer, which is due.
void TheAnswerComesWhenTheLimitIsOver(bool first) {
  Server server;
  asio::steady_timer event(AsioLoop::Current());
  const auto answer = [&](asio::error_code) { server.Answer(); };
  if (first) {
    event.expires_after(kLimit);
    event.async_wait(answer);
  }
  const Asked asked(server.Ask());
  RunUntil(kLimit);
  if (!first) server.Answer();
  RunUntil(2min);
  Require(asked.calls == 1 && asked.at == Time(kLimit), "lookup.instant",
          "The answer comes at the very instant at which the limit is over: `done` must be called "
          "once, with the one or the other.");
  RequireNothingLeft("path.instant",
                     "The answer came when the limit was over, and a timer still waits.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {AnswersWhenTheServerDoes, GivesUpAtTheLimit, AnAnswerAtOnce,
                  LookupsDoNotDisturbEachOther, AServerThatLetsGo, DoneMayAskAgain},
    .load = ManyLookups,
    .paths = {NothingIsLeftOfAnAnswerAtOnce, NothingIsLeftWhenItGivesUp},
    .instants = {[] { TheAnswerComesWhenTheLimitIsOver(true); },
                 [] { TheAnswerComesWhenTheLimitIsOver(false); }},
    .place = OnLoop<AsioLoop>};

}  // namespace workshop
