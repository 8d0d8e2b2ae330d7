#include <algorithm>
#include <vector>

#include "workshop/asio_loop.h"
#include "workshop/on_asio.h"

namespace workshop {
namespace {

constexpr Duration kPause = 1s;
constexpr Duration kLimit = 30s;

// A server that answers when it is told to, and whose questions can be cancelled.
class Server {
 public:
  Ask Asked() const {
    return [questions = questions_](const std::string&) { return Wait(questions); };
  }

  void Answer(std::size_t question = 0) const { questions_->at(question).End({}, "12.50"); }
  void Break(std::size_t question) const {
    questions_->at(question).End(asio::error::connection_reset, {});
  }

  bool AskedAt(const std::vector<Duration>& instants) const {
    return std::equal(
        questions_->begin(), questions_->end(), instants.begin(), instants.end(),
        [](const Question& question, Duration at) { return question.at == Time(at); });
  }
  bool NobodyWaits() const {
    return std::none_of(questions_->begin(), questions_->end(),
                        [](const Question& question) { return question.ended != nullptr; });
  }

 private:
  struct Question {
    Time at;
    std::function<void(std::error_code, std::string)> ended;  // empty once it has

    void End(std::error_code error, std::string text) {
      if (const auto end = std::exchange(ended, nullptr)) end(error, std::move(text));
    }
  };
  using Questions = std::vector<Question>;

  static asio::awaitable<std::string> Wait(const std::shared_ptr<Questions>& questions) {
    asio::use_awaitable_t<> token;
    return asio::async_initiate<asio::use_awaitable_t<>, void(std::error_code, std::string)>(
        [questions](auto handler) {
          const auto kept = std::make_shared<decltype(handler)>(std::move(handler));
          auto slot = asio::get_associated_cancellation_slot(*kept);
          if (slot.is_connected()) {
            slot.assign([weak = std::weak_ptr(questions),
                         number = questions->size()](asio::cancellation_type) {
              if (const auto all = weak.lock())
                all->at(number).End(asio::error::operation_aborted, {});
            });
          }
          questions->push_back({TimeInPlace(), [kept](std::error_code error, std::string text) {
                                  asio::post(AsioLoop::Current(), [kept, error, text] {
                                    asio::get_associated_cancellation_slot(*kept).clear();
                                    std::move (*kept)(error, text);
                                  });
                                }});
        },
        token);
  }

  const std::shared_ptr<Questions> questions_ = std::make_shared<Questions>();
};

asio::awaitable<std::string> AnswersAtOnce(std::string) { co_return "12.50"; }

asio::awaitable<std::string> BreaksAtOnce(std::string) {
  throw asio::system_error(asio::error::connection_refused);
  co_return "";
}

// A fetch, and how it ended. Must live until it has.
struct Fetched {
  explicit Fetched(Ask ask, Duration limit = kLimit) {
    asio::co_spawn(AsioLoop::Current(), Fetch(std::move(ask), "tea", kPause, limit),
                   [this](const std::exception_ptr& error, std::optional<std::string> text) {
                     ended = true;
                     threw = error != nullptr;
                     answer = std::move(text);
                     at = TimeInPlace();
                   });
  }

  bool EndedAt(Duration since_start) const {
    Require(!threw, "fetch.throws", "Fetch throws, where it should return an answer or nothing.");
    return ended && at == Time(since_start);
  }
  bool AnsweredAt(Duration since_start) const { return EndedAt(since_start) && answer == "12.50"; }
  bool GaveUpAt(Duration since_start) const { return EndedAt(since_start) && !answer; }

  bool ended = false;
  bool threw = false;
  std::optional<std::string> answer;
  Time at{};
};

void AnswersWhenTheServerDoes() {
  const Server server;
  const Fetched fetched(server.Asked());
  RunUntil(2s);
  Require(!fetched.ended, "fetch.answer", "Nobody has answered yet, and Fetch has returned.");
  server.Answer();
  RunUntil(2s);
  Require(fetched.AnsweredAt(2s), "fetch.answer",
          "When the server answers, at 2s here, Fetch must return the answer, at once.");
  const Fetched another(AnswersAtOnce);
  RunUntil(3s);
  Require(
      another.AnsweredAt(2s), "fetch.answer",
      "The server may answer in the very call that asks it: Fetch must return the answer then.");
}

void AsksAgainAfterPausesThatDouble() {
  const Server server;
  const Fetched fetched(server.Asked());
  RunUntil(1s);
  server.Break(0);
  RunUntil(2s);
  Require(
      server.AskedAt({0s, 2s}), "fetch.pause",
      "The connection broke at 1s, and the pause is 1s: the server must be asked at 0s and 2s.");
  server.Break(1);
  RunUntil(4s);
  Require(
      server.AskedAt({0s, 2s, 4s}), "fetch.pause",
      "The connection broke for the second time at 2s, and the pause is 2s then: the server must "
      "be asked once more at 4s.");
  server.Break(2);
  RunUntil(9s);
  Require(
      server.AskedAt({0s, 2s, 4s, 8s}), "fetch.pause",
      "The connection broke for the third time at 4s, and the pause is 4s then: the server must "
      "be asked once more at 8s.");
  server.Answer(3);
  RunUntil(1min);
  Require(fetched.AnsweredAt(9s), "fetch.answer",
          "The server has answered the fourth time that it was asked: Fetch must return that.");
}

void GivesUpAtTheLimit() {
  const Server server;
  const Fetched fetched(server.Asked());
  RunUntil(40s);
  Require(fetched.GaveUpAt(kLimit), "fetch.limit",
          "If no answer comes, Fetch must return nothing when the limit of 30s is over, to the "
          "instant.");
  RunUntil(2min);
  Require(server.AskedAt({0s}) && server.NobodyWaits(), "fetch.goes_on",
          "Fetch has given up at 30s, and its question is still with the server: cancel it.");
}

void GivesUpInAPause() {
  const Fetched fetched(BreaksAtOnce);
  RunUntil(40s);
  Require(fetched.GaveUpAt(kLimit), "fetch.limit",
          "Each connection breaks, and Fetch is in a pause when the limit of 30s is over: it must "
          "return nothing, to the instant.");
}

void TheLimitIsThatOfAllQuestionsTogether() {
  const Server server;
  const Fetched fetched(server.Asked());
  RunUntil(20s);
  server.Break(0);
  RunUntil(1min);
  Require(fetched.GaveUpAt(kLimit), "fetch.limit",
          "The limit of 30s begins with the first question, whatever breaks on the way.");
}

void FetchesDoNotDisturbEachOther() {
  const Server server;
  const Fetched first(server.Asked());
  const Fetched hasty(server.Asked(), 5s);
  RunUntil(1s);
  const Fetched patient(server.Asked(), 50s);
  const Fetched silent(server.Asked(), 20s);
  RunUntil(3s);
  server.Answer(0);
  RunUntil(40s);
  server.Answer(2);
  RunUntil(2min);
  Require(
      first.AnsweredAt(3s) && hasty.GaveUpAt(5s) && patient.AnsweredAt(40s) && silent.GaveUpAt(21s),
      "fetch.together",
      "Four fetches of one name go on at one time, and end at 3s, 5s, 21s and 40s: each has its "
      "limit, whatever becomes of the others.");
}

void ManyFetches(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    {
      const Server server;
      const Fetched fetched(server.Asked());
      RunFor(100ms);
      server.Answer();
      RunFor(0s);
    }
    load.Returned();
  }
}

void NothingIsLeftOfAnAnswerAtOnce() {
  const Fetched fetched(AnswersAtOnce);
  RunFor(0s);
  RequireNothingLeft("path.at_once",
                     "The server has answered at once, and a timer still waits in the loop.");
}

void NothingIsLeftOfAnAnswerAfterAPause() {
  const Server server;
  const Fetched fetched(server.Asked());
  RunFor(1s);
  server.Break(0);
  RunFor(1s);
  server.Answer(1);
  RunFor(0s);
  RequireNothingLeft("path.again",
                     "The server has answered when it was asked again, and a timer still waits.");
}

void NothingIsLeftWhenItGivesUp() {
  const Server server;
  const Fetched in_a_question(server.Asked());
  const Fetched in_a_pause(BreaksAtOnce);
  RunUntil(kLimit);
  RequireNothingLeft("path.limit", "The limit is over, and a timer still waits in the loop.");
}

// `first`: it happens before the loop resumes the coroutine whose timer is due.
void TheEndOfAQuestionWhenTheLimitIsOver(bool first, void (*end)(const Server&)) {
  const Server server;
  asio::steady_timer event(AsioLoop::Current());
  if (first) {
    event.expires_after(kLimit);
    event.async_wait([&](asio::error_code) { end(server); });
  }
  const Fetched fetched(server.Asked());
  RunUntil(kLimit);
  if (!first) end(server);
  RunUntil(2min);
  Require(fetched.EndedAt(kLimit) && server.AskedAt({0s}), "fetch.instant",
          "The question ends at the very instant at which the limit is over: Fetch must return "
          "then, and ask no more.");
  RequireNothingLeft("path.instant",
                     "The question ended when the limit was over, and a timer still waits.");
}

void Answers(const Server& server) { server.Answer(); }
void Breaks(const Server& server) { server.Break(0); }

}  // namespace

const Exercise kExercise = {
    .behaviour = {AnswersWhenTheServerDoes, AsksAgainAfterPausesThatDouble, GivesUpAtTheLimit,
                  TheLimitIsThatOfAllQuestionsTogether, FetchesDoNotDisturbEachOther,
                  GivesUpInAPause},
    .load = ManyFetches,
    .paths = {NothingIsLeftOfAnAnswerAtOnce, NothingIsLeftOfAnAnswerAfterAPause,
              NothingIsLeftWhenItGivesUp},
    .instants = {[] { TheEndOfAQuestionWhenTheLimitIsOver(true, Answers); },
                 [] { TheEndOfAQuestionWhenTheLimitIsOver(false, Answers); },
                 [] { TheEndOfAQuestionWhenTheLimitIsOver(true, Breaks); },
                 [] { TheEndOfAQuestionWhenTheLimitIsOver(false, Breaks); }},
    .place = OnLoop<AsioLoop>};

}  // namespace workshop
