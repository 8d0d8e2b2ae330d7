#include "pairs/loops/libuv.h"

namespace leaky {
namespace {

struct Call {
  const int messages;
  const LoopTimes times;
  const std::function<void(std::optional<std::string>)> returned;
  uv_poll_t watcher{};
  int turn = 0;
  int handles = 1;  // not yet closed; the last one takes this with it
};

struct Timeout {
  Call* const call;
  const int turn;  // the one that waits for it
  uv_timer_t timer{};
};

void Closed(Call* call) {
  if (--call->handles == 0) delete call;
}

uv_timer_t* NewTimer(Call* call) {
  auto* const timeout = new Timeout{call, call->turn};
  uv_timer_init(call->watcher.loop, &timeout->timer);
  timeout->timer.data = timeout;
  ++call->handles;
  return &timeout->timer;
}

// Null if its turn is over.
Call* Heard(uv_timer_t* timer) {
  const auto* const timeout = static_cast<Timeout*>(timer->data);
  uv_close(Handle(timer), [](uv_handle_t* closed) {
    auto* const over = static_cast<Timeout*>(closed->data);
    Closed(over->call);
    delete over;
  });
  return timeout->turn == timeout->call->turn ? timeout->call : nullptr;
}

void Return(Call* call, std::optional<std::string> message) {
  ++call->turn;
  uv_close(Handle(&call->watcher),
           [](uv_handle_t* closed) { Closed(static_cast<Call*>(closed->data)); });
  call->returned(std::move(message));
}

void Turn(Call* call);

void OnPoll(uv_timer_t* timer) {
  if (Call* const call = Heard(timer)) Turn(call);
}

void OnGiveUp(uv_timer_t* timer) {
  if (Call* const call = Heard(timer)) Return(call, std::nullopt);
}

void OnMessage(uv_poll_t* watcher, int, int) {
  auto* const call = static_cast<Call*>(watcher->data);
  Return(call, Receive(call->messages));
}

void Turn(Call* call) {
  ++call->turn;
  uv_timer_start(NewTimer(call), OnPoll, Milliseconds(call->times.poll), 0);
  uv_timer_start(NewTimer(call), OnGiveUp, Milliseconds(call->times.give_up), 0);
}

}  // namespace

void EarlyReturn(uv_loop_t* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  auto* const call = new Call{messages, times, std::move(returned)};
  uv_poll_init(loop, &call->watcher, messages);
  call->watcher.data = call;
  uv_poll_start(&call->watcher, UV_READABLE, OnMessage);
  Turn(call);
}

}  // namespace leaky
