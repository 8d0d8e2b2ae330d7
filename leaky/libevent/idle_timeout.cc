#include "pairs/loops/libevent.h"

namespace leaky {
namespace {

struct Looping {
  event_base* const loop;
  const timeval quiet;
  const Work work;
  const std::function<void()> returned;
  event* watcher = nullptr;
  int turn = 0;
  int timeouts = 0;  // still to come
};

struct Timeout {
  Looping* const looping;
  const int turn;  // the one that waits for it
};

void DeleteIfOver(Looping* looping) {
  if (looping->watcher == nullptr && looping->timeouts == 0) delete looping;
}

Timeout* NewTimeout(Looping* looping) {
  ++looping->timeouts;
  return new Timeout{looping, looping->turn};
}

// Null if its turn is over.
Looping* Heard(void* argument) {
  const std::unique_ptr<Timeout> timeout(static_cast<Timeout*>(argument));
  Looping* const looping = timeout->looping;
  --looping->timeouts;
  if (timeout->turn == looping->turn) return looping;
  DeleteIfOver(looping);
  return nullptr;
}

void Return(Looping* looping) {
  ++looping->turn;
  event_free(std::exchange(looping->watcher, nullptr));
  looping->returned();
  DeleteIfOver(looping);
}

void Turn(Looping* looping);

void OnIdle(int, Events, void* timeout) {
  Looping* const looping = Heard(timeout);
  if (looping == nullptr) return;
  looping->work.poll();
  Turn(looping);
}

void OnMessage(int messages, Events, void* argument) {
  auto* const looping = static_cast<Looping*>(argument);
  const auto message = Receive(messages);
  if (!message) return Return(looping);
  looping->work.handle(*message);
  Turn(looping);
}

void Turn(Looping* looping) {
  ++looping->turn;
  event_base_once(looping->loop, -1, EV_TIMEOUT, OnIdle, NewTimeout(looping), &looping->quiet);
}

}  // namespace

void IdleTimeout(event_base* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned) {
  auto* const looping = new Looping{loop, ToTimeval(quiet), std::move(work), std::move(returned)};
  looping->watcher = event_new(loop, messages, EV_READ | EV_PERSIST, OnMessage, looping);
  event_add(looping->watcher, nullptr);
  Turn(looping);
}

}  // namespace leaky
