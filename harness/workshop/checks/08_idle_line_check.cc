#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kIdle = 5s;

// A caller, and a server that spends `work` on each message and `pinging` on each ping.
struct Caller {
  explicit Caller(Duration work, Duration pinging = {})
      : call(Start([line = line, log = log, work, pinging] {
          const auto handle = std::make_unique<std::function<void(const std::string&)>>(
              [log, work](const std::string& message) {
                log->busy += 1;
                log->overlap = log->overlap || log->busy > 1;
                log->messages.push_back(message);
                if (message == "throw") throw Thrown();
                if (work > Duration()) time::Sleep(work);
                log->busy -= 1;
              });
          const auto ping = std::make_unique<std::function<void()>>([log, pinging] {
            log->pings.push_back(time::Now());
            if (pinging < Duration()) throw Thrown();
            if (pinging > Duration()) time::Sleep(pinging);
          });
          return ServeLine(line, kIdle, *handle, *ping);
        })) {}

  bool Returned(Duration at, int count) const {
    return call->ReturnedAt(at) && *call->result == count;
  }

  struct Log {
    std::vector<std::string> messages;
    std::vector<Time> pings;
    int busy = 0;
    bool overlap = false;
  };
  Chan<std::string> line = MakeChan<std::string>(300);
  std::shared_ptr<Log> log = std::make_shared<Log>();
  std::shared_ptr<Call<int>> call;
};

void HandlesOneAfterTheOther() {
  const Caller caller(1s);
  for (const char* message : {"a", "b", "c"}) caller.line.Send(message);
  time::Sleep(4s);
  caller.line.Close();
  Wait();
  Require(caller.log->messages == std::vector<std::string>{"a", "b", "c"} && !caller.log->overlap,
          "line.messages", "Messages must be handled one after the other, in order.");
  Require(caller.call->ReturnedAt(4s) && *caller.call->result == 3, "line.closed",
          "A line that is closed must end the service at once, with the number of its messages.");
}

void PingsThenHangsUp() {
  const Caller silent(0s);
  time::Sleep(7s + kOffGrid);
  silent.line.Send("here");  // pinged at 5s
  time::Sleep(60s);
  Require(
      silent.log->pings == std::vector<Time>{Time(5s), Time(12s + kOffGrid)}, "line.ping",
      "After 5s without a message there must be a ping: here at 5s, and, as a message came at 7s "
      "and 7ns, at 12s and 7ns.");
  Require(silent.call->ReturnedAt(17s + kOffGrid) && *silent.call->result == 1, "line.hang_up",
          "When no message comes for 5s after a ping, the server must hang up: here at 17s "
          "and 7ns.");
}

// The work takes longer than the idle time, so the timer expires during it.
void HardWorkIsNotSilence() {
  const Caller patient(8s);
  patient.line.Send("hard");
  time::Sleep(12s);  // handled at 8s; the ping is due at 13s
  Require(patient.log->pings.empty(), "line.stale",
          "A stale value ends a wait early: the timer expired while a message was handled, and the "
          "caller is pinged though 5s have not passed since.");
  patient.line.Send("again");
  time::Sleep(60s);  // handled from 12s to 20s
  Require(patient.log->messages.size() == 2, "line.deaf",
          "After hard work the server hears no message any more: does it wait for a value that is "
          "gone? In go123 Stop takes it back.");
  Require(patient.log->pings == std::vector<Time>{Time(25s)} && patient.call->ReturnedAt(30s),
          "line.stale",
          "A stale value ends a wait early: the ping is due 5s after the last message was handled, "
          "and the end 5s after that.");
}

// Many wait already when a message was handled: nobody is silent.
void MessagesWaitWhileItWorks() {
  const Caller eager(8s);
  for (int i = 0; i < 10; ++i) eager.line.Send("hard");
  time::Sleep(81s);
  Require(eager.log->pings.empty() && eager.log->messages.size() == 10, "line.stale",
          "A stale value ends a wait early: the next messages wait already, and the caller is "
          "pinged.");
  time::Sleep(20s);
  Require(eager.log->pings == std::vector<Time>{Time(85s)} && eager.Returned(90s, 10), "line.stale",
          "A stale value ends a wait early: the ping is due 5s after the last message was handled, "
          "and the end 5s after that.");
}

// A ping that takes longer than the idle time; a message comes meanwhile.
void APingTakesTime() {
  const Caller caller(0s, 8s);
  time::Sleep(12s);
  caller.line.Send("here");
  time::Sleep(5s);
  Require(caller.log->messages.size() == 1 && !caller.call->result, "line.stale",
          "A stale value ends a wait early: the timer expired during a slow ping, a message has "
          "come, and the server hangs up.");
  time::Sleep(60s);
  Require(caller.log->pings == std::vector<Time>{Time(5s), Time(18s)}, "line.ping",
          "After a slow ping a message was handled at 13s: the next ping is due at 18s.");
}

void CallersDoNotDisturbEachOther() {
  const Caller silent(0s);
  time::Sleep(1s);
  const Caller brief(0s);
  const Caller talker(0s);
  time::Sleep(1s);
  brief.line.Close();
  for (int i = 0; i < 8; ++i) {
    talker.line.Send("hello");
    time::Sleep(3s);
  }
  time::Sleep(20s);
  Require(brief.Returned(2s, 0) && silent.Returned(10s, 0) && talker.Returned(33s, 8) &&
              brief.log->pings.empty() && silent.log->pings == std::vector<Time>{Time(5s)} &&
              talker.log->pings == std::vector<Time>{Time(28s)},
          "line.together",
          "Three lines are served at one time, and end at 2s, 10s and 33s: one that ends must not "
          "disturb the pings of the others.");
}

void ALongCall(Load& load) {
  const Caller caller(0s);
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    caller.line.Send("hello");
    load.Turn();
    caller.log->messages.clear();
  }
}

void NothingIsLeftAfterTheCall() {
  const Caller closed(0s);
  closed.line.Send("hello");
  time::Sleep(1s);
  closed.line.Close();
  Wait();
  RequireNothingLeft("path.closed",
                     "The line is closed, and a timer is still live after the return.");
}

void NothingIsLeftAfterHangingUp() {
  const Caller silent(0s);
  time::Sleep(10s);
  Wait();
  RequireNothingLeft("path.hang_up",
                     "The server has hung up, and a timer is still live after the return.");
}

void NothingIsLeftOfAThrow() {
  const Caller thrown(0s);
  thrown.line.Send("throw");
  Wait();
  Require(thrown.call->threw, "line.throws", "What `handle` throws must come to the caller.");
  RequireNothingLeft("path.throws",
                     "When `handle` throws, a timer is still live after the function was left.");
}

void NothingIsLeftOfAPingThatThrows() {
  const Caller thrown(0s, -1s);
  time::Sleep(5s);
  Wait();
  Require(thrown.call->threw, "line.throws", "What `ping` throws must come to the caller.");
  RequireNothingLeft("path.throws",
                     "When `ping` throws, a timer is still live after the function was left.");
}

void AMessageWhenThePingIsDue() {
  const Caller caller(0s);
  time::Sleep(5s);
  caller.line.Send("here");
  time::Sleep(1s);
  Require(caller.log->messages.size() == 1 && caller.log->pings.size() <= 1, "line.instant",
          "A message comes at the very instant when the ping is due: it must be handled.");
  time::Sleep(20s);
  Require(caller.Returned(15s, 1) || caller.Returned(10s, 1), "line.instant",
          "A message comes at the very instant when the ping is due: the server must hang up when "
          "the caller is silent after that.");
}

void TheLineIsClosedWhenThePingIsDue() {
  const Caller caller(0s);
  time::Sleep(5s);
  caller.line.Close();
  time::Sleep(1s);
  Require(caller.Returned(5s, 0), "line.instant",
          "The line is closed at the very instant when the ping is due: the service must end.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {HandlesOneAfterTheOther, PingsThenHangsUp, HardWorkIsNotSilence,
                  MessagesWaitWhileItWorks, APingTakesTime, CallersDoNotDisturbEachOther},
    .load = ALongCall,
    .paths = {NothingIsLeftAfterTheCall, NothingIsLeftAfterHangingUp, NothingIsLeftOfAThrow,
              NothingIsLeftOfAPingThatThrows},
    .instants = {AMessageWhenThePingIsDue, TheLineIsClosedWhenThePingIsDue},
};

}  // namespace workshop
