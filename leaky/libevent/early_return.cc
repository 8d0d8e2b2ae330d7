#include "pairs/loops/libevent.h"

namespace leaky {
namespace {

struct Call {
  event_base* const loop;
  const LoopTimes times;
  const std::function<void(std::optional<std::string>)> returned;
  event* watcher = nullptr;
  int turn = 0;
  int timeouts = 0;  // still to come
};

struct Timeout {
  Call* const call;
  const int turn;  // the one that waits for it
};

void DeleteIfOver(Call* call) {
  if (call->watcher == nullptr && call->timeouts == 0) delete call;
}

Timeout* NewTimeout(Call* call) {
  ++call->timeouts;
  return new Timeout{call, call->turn};
}

// Null if its turn is over.
Call* Heard(void* argument) {
  const std::unique_ptr<Timeout> timeout(static_cast<Timeout*>(argument));
  Call* const call = timeout->call;
  --call->timeouts;
  if (timeout->turn == call->turn) return call;
  DeleteIfOver(call);
  return nullptr;
}

void Return(Call* call, std::optional<std::string> message) {
  ++call->turn;
  event_free(std::exchange(call->watcher, nullptr));
  call->returned(std::move(message));
  DeleteIfOver(call);
}

void Turn(Call* call);

void OnPoll(int, Events, void* timeout) {
  if (Call* const call = Heard(timeout)) Turn(call);
}

void OnGiveUp(int, Events, void* timeout) {
  if (Call* const call = Heard(timeout)) Return(call, std::nullopt);
}

void OnMessage(int messages, Events, void* call) {
  Return(static_cast<Call*>(call), Receive(messages));
}

void Turn(Call* call) {
  ++call->turn;
  const timeval poll = ToTimeval(call->times.poll);
  const timeval give_up = ToTimeval(call->times.give_up);
  event_base_once(call->loop, -1, EV_TIMEOUT, OnPoll, NewTimeout(call), &poll);
  event_base_once(call->loop, -1, EV_TIMEOUT, OnGiveUp, NewTimeout(call), &give_up);
}

}  // namespace

void EarlyReturn(event_base* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  auto* const call = new Call{loop, times, std::move(returned)};
  call->watcher = event_new(loop, messages, EV_READ | EV_PERSIST, OnMessage, call);
  event_add(call->watcher, nullptr);
  Turn(call);
}

}  // namespace leaky
