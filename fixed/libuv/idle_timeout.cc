#include "pairs/loops/libuv.h"

namespace fixed {
namespace {

struct Looping {
  const int messages;
  const Duration quiet;
  const Work work;
  const std::function<void()> returned;
  uv_poll_t watcher{};
  uv_timer_t idle{};
  int handles = 2;  // not yet closed; the last one takes this with it
};

void Closed(uv_handle_t* closed) {
  auto* const looping = static_cast<Looping*>(closed->data);
  if (--looping->handles == 0) delete looping;
}

void Return(Looping* looping) {
  uv_close(Handle(&looping->watcher), Closed);
  uv_close(Handle(&looping->idle), Closed);
  looping->returned();
}

void Turn(Looping* looping);

void OnIdle(uv_timer_t* timer) {
  auto* const looping = static_cast<Looping*>(timer->data);
  looping->work.poll();
  Turn(looping);
}

void OnMessage(uv_poll_t* watcher, int, int) {
  auto* const looping = static_cast<Looping*>(watcher->data);
  const auto message = Receive(looping->messages);
  if (!message) return Return(looping);
  looping->work.handle(*message);
  Turn(looping);
}

void Turn(Looping* looping) {
  uv_timer_start(&looping->idle, OnIdle, Milliseconds(looping->quiet), 0);
}

}  // namespace

void IdleTimeout(uv_loop_t* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned) {
  auto* const looping = new Looping{messages, quiet, std::move(work), std::move(returned)};
  uv_poll_init(loop, &looping->watcher, messages);
  uv_timer_init(loop, &looping->idle);
  looping->watcher.data = looping->idle.data = looping;
  uv_poll_start(&looping->watcher, UV_READABLE, OnMessage);
  Turn(looping);
}

}  // namespace fixed
