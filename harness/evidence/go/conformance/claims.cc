#include <string>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

namespace {

// The loop of the article without messages, until it has polled `most` times or given up.
struct Turns {
  bool gave_up = false;
  int made = 0;
  int polls = 0;
  RecvChan<Time> first_long;
};

Turns TurnUntilPolled(int most, Duration give_up) {
  Turns turns;
  const auto after = [&](Duration span) {
    ++turns.made;
    return time::After(span);
  };
  while (turns.polls < most && !turns.gave_up) {
    const RecvChan<Time> poll = after(kUnit);
    const RecvChan<Time> end = after(give_up);
    if (turns.made == 2) turns.first_long = end;
    if (Select({Recv(poll), Recv(end)}) == 0)
      ++turns.polls;
    else
      turns.gave_up = true;
  }
  return turns;
}

// How many timers each of some calls of body leaves.
std::string TimersLeft(int calls, const std::function<void()>& body) {
  const auto before = Bubble::Current().Totals().live;
  for (int i = 0; i < calls; ++i) body();
  Settle();
  return Say{(Bubble::Current().Totals().live - before) / calls};
}

}  // namespace

const std::vector<Rule> claim_rules = {
    {"claim 1: timers that a select with two time-outs makes",
     [] {
       auto never = MakeChan<std::string>();
       return TimersLeft(100, [=] {
         Go([=] { Select({Recv(never), Recv(time::After(1h)), Recv(time::After(2h))}); });
       });
     }},
    {"claim 2: the idle loop, after twelve polls",
     [] {
       const Turns turns = TurnUntilPolled(12, 8 * kUnit);
       return Say{turns.gave_up ? "gave up;" : "goes on;",
                  Ready(turns.first_long) ? "its first long time-out fired unheard"
                                          : "its first long time-out did not fire"};
     }},
    {"claim 3: the time-outs of the idle loop, after twelve polls",
     [] {
       const Turns turns = TurnUntilPolled(12, 8 * kUnit);
       return Say{turns.made, "made;", turns.polls, "heard;",
                  Ready(turns.first_long) ? "a long one fired unheard" : "no long one fired"};
     }},
    {"claim 4: timers that a message leaves",
     [] {
       auto messages = MakeChan<std::string>(1);
       return TimersLeft(500, [=] {
         messages.Send("hello");
         Select({Recv(messages), Recv(time::After(1h)), Recv(time::After(2h))});
       });
     }},
    {"claim 6: while messages come, a loop with a deadline of seven and a ticker of two",
     [] {
       auto messages = MakeChan<std::string>();
       auto done = MakeChan<bool>();
       Go([=] {
         while (Select({Send(messages, "hello"), Recv(done)}) == 0) Pass(0.25);
       });
       const Time begin = time::Now();
       auto [ctx, cancel] = context::WithTimeout(context::Background(), 7 * kUnit);
       Defer cancelled(cancel);
       time::ScopedTicker ticker(2 * kUnit);
       int polls = 0;
       for (bool ended = false; !ended;) {
         switch (Select({Recv(messages), Recv(ticker.C()), Recv(ctx.Done())})) {
           case 1:
             ++polls;
             break;
           case 2:
             ended = true;
         }
       }
       const Duration span = time::Since(begin);
       done.Close();
       return Say{"ends after", Units(span), "with", polls, "polls"};
     }},
    {"claim 18: how often a select that waits looks at its channels",
     [] {
       auto never = MakeChan<std::string>();
       int looks = 0;
       const auto looked = [&] {
         ++looks;
         return never;
       };
       Select({Recv(looked()), Recv(time::After(4 * kUnit))});
       return Say{looks};
     }},
};

}  // namespace afterleak::conformance
