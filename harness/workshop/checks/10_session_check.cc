#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kIdle = 30s;

// When a session reported that it was idle.
using Log = std::shared_ptr<std::vector<Time>>;

std::shared_ptr<Session> Open(const Log& log, Duration idle = kIdle) {
  return OpenSession("guest", idle, [log](const std::string& name) {
    Require(name == "guest", "session.name", "on_idle must be called with the session's name.");
    log->push_back(time::Now());
  });
}

void SaysThatItIsIdle() {
  const Log log = std::make_shared<std::vector<Time>>();
  const auto session = Open(log);
  time::Sleep(20s + kOffGrid);
  session->Touch();
  time::Sleep(100s);
  Require(
      *log == std::vector<Time>{Time(50s + kOffGrid)}, "session.idle",
      "A session must say that it is idle 30s after its last touch, once: touched at 20s and 7ns, "
      "at 50s and 7ns.");
  session->Touch();
  time::Sleep(100s);
  Require(log->size() == 2 && log->back() == Time(150s + kOffGrid), "session.again",
          "A touch after that must start the count again: touched at 120s, idle at 150s.");
}

void GuestsDoNotDisturbEachOther() {
  const Log log = std::make_shared<std::vector<Time>>();
  const Log others = std::make_shared<std::vector<Time>>();
  const auto stays = Open(log);
  auto leaves = Open(std::make_shared<std::vector<Time>>());
  auto idle = Open(others, 5s);
  time::Sleep(10s);
  leaves.reset();
  idle.reset();
  const auto later = Open(others, 50s);
  time::Sleep(100s);
  Require(*log == std::vector<Time>{Time(30s)} && *others == std::vector<Time>{Time(5s), Time(60s)},
          "session.together",
          "Four sessions are open, and two of them are dropped at 10s: each must say when it is "
          "idle, the others at 5s, 30s and 60s.");
}

void ATouchIsForOneSession() {
  const Log log = std::make_shared<std::vector<Time>>();
  auto touched = Open(std::make_shared<std::vector<Time>>());
  const auto another = Open(log);
  time::Sleep(10s);
  touched->Touch();
  time::Sleep(10s);
  touched.reset();
  time::Sleep(100s);
  Require(*log == std::vector<Time>{Time(30s)}, "session.together",
          "Two sessions are open; one is touched at 10s and dropped at 20s, and the other must say "
          "at 30s that it is idle.");
}

void TouchedWhenItIsIdle() {
  const Log log = std::make_shared<std::vector<Time>>();
  const auto session = std::make_shared<std::weak_ptr<Session>>();
  auto owner = OpenSession("guest", kIdle, [log, session](const std::string&) {
    log->push_back(time::Now());
    if (log->size() > 3) return;
    if (const auto self = session->lock()) self->Touch();
  });
  *session = owner;
  time::Sleep(3min);
  Require(*log == std::vector<Time>{Time(30s), Time(60s), Time(90s), Time(120s)}, "session.again",
          "A touch in on_idle must start the count again: idle at 30s, 60s, 90s and 120s.");
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
  log->reserve(1000);
  RequireFlatHeap("path.heap",
                  "Sessions that were idle are gone, and something of each is still on the heap.",
                  [&](int) {
                    auto session = Open(log, 1s);
                    time::Sleep(2s);
                    session->Touch();
                    time::Sleep(2s);
                  });
}

void AnOwnerMayDropItWhenItIsIdle() {
  const auto owner = std::make_shared<std::shared_ptr<Session>>();
  *owner = OpenSession("guest", kIdle, [owner](const std::string&) { owner->reset(); });
  const std::weak_ptr<Session> weak = *owner;
  time::Sleep(100s);
  Require(weak.expired(), "path.callback",
          "The owner drops the session in on_idle, and it is still alive.");
}

// Does `act` when the session is idle; whichever of the two goes first.
void WhenIdle(const std::function<void(std::shared_ptr<Session>&)>& act,
              const std::function<void(bool dropped)>& heard) {
  const auto owner = std::make_shared<std::shared_ptr<Session>>();
  const auto dropped = std::make_shared<bool>(false);
  Go([=] {  // asleep before the timer is armed
    time::Sleep(kIdle);
    act(*owner);
    *dropped = *owner == nullptr;
  });
  Wait();
  *owner = OpenSession("guest", kIdle, [=](const std::string&) { heard(*dropped); });
  time::Sleep(100s);
  owner->reset();
}

void DroppedWhenItIsIdle() {
  WhenIdle([](auto& owner) { owner.reset(); },
           [](bool dropped) {
             Require(!dropped, "path.instant",
                     "The owner drops the session at the very instant when it is idle, and after "
                     "that it says so.");
           });
}

void TouchedAtTheVeryInstant() {
  const Log log = std::make_shared<std::vector<Time>>();
  WhenIdle([](auto& owner) { owner->Touch(); }, [log](bool) { log->push_back(time::Now()); });
  Require(!log->empty() && log->back() == Time(60s), "session.instant",
          "The session is touched at the very instant when it is idle: it must be idle again 30s "
          "after that.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {SaysThatItIsIdle, GuestsDoNotDisturbEachOther, ATouchIsForOneSession,
                  TouchedWhenItIsIdle},
    .load = ManyGuests,
    .paths = {ADroppedSessionIsSilent, AnIdleSessionIsFreed, AnOwnerMayDropItWhenItIsIdle},
    .instants = {DroppedWhenItIsIdle, TouchedAtTheVeryInstant},
};

}  // namespace workshop
