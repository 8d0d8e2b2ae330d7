#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kIdle = 5s;

// A caller, and a server that spends `work` on each message.
struct Caller {
  explicit Caller(Duration work)
      : call(Start([line = line, log = log, work] {
          return ServeLine(
              line, kIdle,
              [log, work](const std::string& message) {
                log->busy += 1;
                log->overlap = log->overlap || log->busy > 1;
                log->messages.push_back(message);
                time::Sleep(work);
                log->busy -= 1;
              },
              [log] { log->pings.push_back(time::Now()); });
        })) {}

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
  time::Sleep(7s);
  silent.line.Send("here");  // pinged at 5s
  time::Sleep(60s);
  Require(
      silent.log->pings == std::vector<Time>{Time(5s), Time(12s)}, "line.ping",
      "After 5s without a message there must be a ping: here at 5s, and, as a message came at 7s, "
      "at 12s.");
  Require(silent.call->ReturnedAt(17s) && *silent.call->result == 1, "line.hang_up",
          "When no message comes for 5s after a ping, the server must hang up: here at 17s.");
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

void ALongCall(Load& load) {
  const Caller caller(0s);
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    caller.line.Send("hello");
    load.Turn();
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

}  // namespace

const Exercise kExercise = {
    .behaviour = {HandlesOneAfterTheOther, PingsThenHangsUp, HardWorkIsNotSilence},
    .load = ALongCall,
    .paths = {NothingIsLeftAfterTheCall},
};

}  // namespace workshop
