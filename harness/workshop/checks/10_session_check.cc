#include "afterleak/heap/heap.h"
#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kIdle = 30s;

// When a session reported that it was idle.
using Log = std::shared_ptr<std::vector<Time>>;

std::shared_ptr<Session> Open(const Log& log) {
  return OpenSession("guest", kIdle, [log](const std::string& name) {
    Require(name == "guest", "session.name", "on_idle must be called with the session's name.");
    log->push_back(time::Now());
  });
}

void SaysThatItIsIdle() {
  const Log log = std::make_shared<std::vector<Time>>();
  const auto session = Open(log);
  time::Sleep(20s);
  session->Touch();
  time::Sleep(100s);
  Require(
      *log == std::vector<Time>{Time(50s)}, "session.idle",
      "A session must say that it is idle 30s after its last touch, once: touched at 20s, at 50s.");
  session->Touch();
  time::Sleep(100s);
  Require(log->size() == 2 && log->back() == Time(150s), "session.again",
          "A touch after that must start the count again: touched at 120s, idle at 150s.");
}

void ManyGuests(Load& load) {
  const Log log = std::make_shared<std::vector<Time>>();
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    auto session = Open(log);
    time::Sleep(100ms);
    session->Touch();
    session.reset();
    load.Returned();
  }
}

void ADroppedSessionIsSilent() {
  const Log log = std::make_shared<std::vector<Time>>();
  auto session = Open(log);
  const std::weak_ptr<Session> weak = session;
  session.reset();
  Require(weak.expired(), "path.alive",
          "The owner has dropped the session, and it is still alive.");
  time::Sleep(100s);
  Require(log->empty(), "path.silent",
          "The owner has dropped the session, and it still says that it is idle.");
}

void AnIdleSessionIsFreed() {
  const Log log = std::make_shared<std::vector<Time>>();
  log->reserve(10);
  const heap::Scope scope;
  {
    auto session = Open(log);
    time::Sleep(100s);
    const std::weak_ptr<Session> weak = session;
    session.reset();
    Require(
        weak.expired(), "path.cycle",
        "A session that was idle is dropped, and it is still alive: its timer's callback owns it, "
        "and it owns its timer.");
  }
  const auto left = scope.usage().live_blocks;  // before the sentence below is on the heap
  Require(left == 0, "path.heap",
          "A session that was idle is gone, and something of it is still on the heap.");
}

void AnOwnerMayDropItWhenItIsIdle() {
  const auto owner = std::make_shared<std::shared_ptr<Session>>();
  *owner = OpenSession("guest", kIdle, [owner](const std::string&) { owner->reset(); });
  const std::weak_ptr<Session> weak = *owner;
  time::Sleep(100s);
  Require(weak.expired(), "path.callback",
          "The owner drops the session in on_idle, and it is still alive.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {SaysThatItIsIdle},
    .load = ManyGuests,
    .paths = {ADroppedSessionIsSilent, AnIdleSessionIsFreed, AnOwnerMayDropItWhenItIsIdle},
};

}  // namespace workshop
