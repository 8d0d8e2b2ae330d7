#include <fmt/format.h>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr int kEndless = -1;

// Gives "line 1", "line 2" and so on, one after each `pause`.
struct Log {
  struct State {
    int begun = 0;  // calls
    int given = 0;
    bool overlap = false;
  };

  std::optional<std::string> operator()() const {
    state->overlap = state->overlap || state->begun != state->given;
    ++state->begun;
    time::Sleep(pause);
    ++state->given;
    if (length != kEndless && state->given > length) return std::nullopt;
    return fmt::format("line {}", state->given);
  }

  Duration pause;
  int length = kEndless;
  std::shared_ptr<State> state = std::make_shared<State>();
};

// A search for a line; to look at one takes `look`. What is given to Find is gone when it returns.
struct Search {
  Search(const Log& log, const std::string& sought, Duration limit, Duration look = {})
      : call(Start([log, sought, limit, look, shown = shown] {
          const auto next = std::make_unique<NextLine>(log);
          const auto wanted = std::make_unique<std::function<bool(const std::string&)>>(
              [sought, look, shown](const std::string& line) {
                if (look > Duration()) time::Sleep(look);
                shown->push_back(line);
                if (line == "line 3" && sought == "throw") throw Thrown();
                return line == sought;
              });
          return Find(*next, *wanted, limit);
        })) {}

  bool Found(const std::string& line, Duration at) const {
    return call->ReturnedAt(at) && *call->result == line;
  }
  bool FoundNothing(Duration at) const { return call->ReturnedAt(at) && !*call->result; }

  std::shared_ptr<std::vector<std::string>> shown = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<Call<std::optional<std::string>>> call;
};

void FindsTheLine() {
  const Log log{1s};
  const Search search(log, "line 3", 1min);
  time::Sleep(1min);
  Require(search.Found("line 3", 3s), "search.line",
          "The third line is wanted, and is there at 3s: it must be returned then.");
  Require(*search.shown == std::vector<std::string>{"line 1", "line 2", "line 3"}, "search.order",
          "Each line up to the third must be shown to `wanted`, in order, once.");
}

void TheLogEnds() {
  const Search search({1s, 2}, "line 3", 1min);
  time::Sleep(5min);
  Require(search.FoundNothing(3s), "search.end",
          "The log has ended at 3s, after two lines: nothing must be returned then.");
}

void TheLimitEndsIt() {
  constexpr Duration kSpan = 30s + kOffGrid;
  const Search slow({7s}, "line 9", kSpan);
  const Search stuck({10min}, "line 1", kSpan);
  time::Sleep(1h - 1min);
  Require(slow.FoundNothing(kSpan) && stuck.FoundNothing(kSpan), "search.limit",
          "When the limit of 30s and 7ns is over, nothing must be returned at that instant, though "
          "the next "
          "line is still being read.");
}

void NoLineIsLost() {
  const Log log{1s};
  const Search search(log, "line 4", 1min, 5s);
  time::Sleep(2min);
  Require(search.shown->size() == 4 &&
              search.call->result == std::optional<std::string>("line 4") &&
              search.call->at <= Time(24s),
          "search.lost",
          "To look at a line takes 5s here, and lines are lost meanwhile, or come late: the fourth "
          "must be found by 24s.");
  Require(!log.state->overlap, "search.overlap",
          "`next` was called for a line before it had given the one before.");
}

void SearchesDoNotDisturbEachOther() {
  const Search first({1s}, "line 20", 1min);
  const Search second({1s}, "line 2", 1min);
  const Search limited({1s}, "line 99", 10s);
  time::Sleep(5s);
  const Search later({1s}, "line 10", 1min);
  time::Sleep(2min);
  Require(
      first.Found("line 20", 20s) && second.Found("line 2", 2s) && limited.FoundNothing(10s) &&
          later.Found("line 10", 15s),
      "search.together",
      "Four searches go on at one time, and end at 2s, 10s, 15s and 20s: one that ends must not "
      "end the others.");
}

void ManySearches(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Search search({50ms}, "line 1", 1min);
    time::Sleep(100ms);
    load.Returned();
  }
}

void RequireSilence(const Log& log, int begun, const std::string& when) {
  Require(log.state->begun <= begun, "search.reads_on",
          when + ", and the log is read on: no call of `next` may begin after that.");
  RequireNothingLeft("path.left", when + ".");
}

void NoCallBeginsWhenItIsFound() {
  const Log log{1s};
  const Search search(log, "line 3", 1min);
  time::Sleep(10s);
  RequireSilence(log, 4, "The third line was found");
}

// The next line is ready, and waits, when the search ends.
void TheNextLineWaits() {
  const Log log{1s};
  const Search search(log, "line 2", 1min, 5s);
  time::Sleep(30s);
  RequireSilence(log, 4, "A line was found, and the next one was ready");
}

void NothingIsLeftAtTheLimit() {
  const Log log{7s};
  const Search search(log, "line 9", 30s);
  time::Sleep(1min);
  RequireSilence(log, 5, "The limit was over");
}

void NothingIsLeftAtTheEnd() {
  const Log log{1s, 2};
  const Search search(log, "line 9", 1min);
  time::Sleep(10s);
  RequireSilence(log, 3, "The log had ended");
}

void NothingIsLeftOfAThrow() {
  const Log log{1s};
  const Search search(log, "throw", 1min);
  time::Sleep(30s);
  Require(search.call->threw, "search.throws", "What `wanted` throws must come to the caller.");
  RequireSilence(log, 4, "`wanted` threw at the third line");
}

void ALineComesWhenTheLimitIsOver() {
  const Log log{10s};
  const Search search(log, "line 3", 30s);
  time::Sleep(2min);
  Require(search.call->ReturnedAt(30s), "search.instant",
          "The line comes at the very instant at which the limit is over: it must end then, with "
          "the line or with nothing.");
  RequireNothingLeft("path.instant", "The line came when the limit was over.");
}

}  // namespace

const Exercise kExercise = {
    .things = "goroutines",
    .plotted = Resource::kGoroutine,
    .behaviour = {FindsTheLine, TheLogEnds, TheLimitEndsIt, NoLineIsLost,
                  SearchesDoNotDisturbEachOther},
    .load = ManySearches,
    .paths = {NoCallBeginsWhenItIsFound, TheNextLineWaits, NothingIsLeftAtTheLimit,
              NothingIsLeftAtTheEnd, NothingIsLeftOfAThrow},
    .instants = {ALineComesWhenTheLimitIsOver},
};

}  // namespace workshop
