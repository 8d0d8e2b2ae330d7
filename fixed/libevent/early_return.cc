#include "pairs/loops/libevent.h"

namespace fixed {
namespace {

struct Call {
  const std::function<void(std::optional<std::string>)> returned;
  event* watcher = nullptr;
  event* poll = nullptr;
  event* give_up = nullptr;
};

void Return(Call* call, std::optional<std::string> message) {
  event_free(call->watcher);
  event_free(call->poll);
  event_free(call->give_up);
  call->returned(std::move(message));
  delete call;
}

void OnPoll(int, Events, void*) {}  // it waits on

void OnGiveUp(int, Events, void* call) { Return(static_cast<Call*>(call), std::nullopt); }

void OnMessage(int messages, Events, void* call) {
  Return(static_cast<Call*>(call), Receive(messages));
}

}  // namespace

void EarlyReturn(event_base* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  const timeval poll = ToTimeval(times.poll);
  const timeval give_up = ToTimeval(times.give_up);
  auto* const call = new Call{std::move(returned)};
  call->watcher = event_new(loop, messages, EV_READ | EV_PERSIST, OnMessage, call);
  event_add(call->watcher, nullptr);
  call->poll = event_new(loop, -1, EV_PERSIST, OnPoll, call);
  event_add(call->poll, &poll);
  call->give_up = evtimer_new(loop, OnGiveUp, call);
  event_add(call->give_up, &give_up);
}

}  // namespace fixed
