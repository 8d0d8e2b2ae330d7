#include "pairs/loops/libuv.h"

namespace fixed {
namespace {

struct Call {
  const int messages;
  const std::function<void(std::optional<std::string>)> returned;
  uv_poll_t watcher{};
  uv_timer_t poll{};
  uv_timer_t give_up{};
  int handles = 3;  // not yet closed; the last one takes this with it
};

void Closed(uv_handle_t* closed) {
  auto* const call = static_cast<Call*>(closed->data);
  if (--call->handles == 0) delete call;
}

void Return(Call* call, std::optional<std::string> message) {
  uv_close(Handle(&call->watcher), Closed);
  uv_close(Handle(&call->poll), Closed);
  uv_close(Handle(&call->give_up), Closed);
  call->returned(std::move(message));
}

void OnPoll(uv_timer_t*) {}  // it waits on

void OnGiveUp(uv_timer_t* timer) { Return(static_cast<Call*>(timer->data), std::nullopt); }

void OnMessage(uv_poll_t* watcher, int, int) {
  auto* const call = static_cast<Call*>(watcher->data);
  Return(call, Receive(call->messages));
}

}  // namespace

void EarlyReturn(uv_loop_t* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  auto* const call = new Call{messages, std::move(returned)};
  uv_poll_init(loop, &call->watcher, messages);
  uv_timer_init(loop, &call->poll);
  uv_timer_init(loop, &call->give_up);
  call->watcher.data = call->poll.data = call->give_up.data = call;
  uv_poll_start(&call->watcher, UV_READABLE, OnMessage);
  uv_timer_start(&call->poll, OnPoll, Milliseconds(times.poll), Milliseconds(times.poll));
  uv_timer_start(&call->give_up, OnGiveUp, Milliseconds(times.give_up), 0);
}

}  // namespace fixed
