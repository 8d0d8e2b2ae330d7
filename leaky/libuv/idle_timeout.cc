#include "pairs/loops/libuv.h"

namespace leaky {
namespace {

struct Looping {
  const int messages;
  const Duration quiet;
  const Work work;
  const std::function<void()> returned;
  uv_poll_t watcher{};
  int turn = 0;
  int handles = 1;  // not yet closed; the last one takes this with it
};

struct Timeout {
  Looping* const looping;
  const int turn;  // the one that waits for it
  uv_timer_t timer{};
};

void Closed(Looping* looping) {
  if (--looping->handles == 0) delete looping;
}

uv_timer_t* NewTimer(Looping* looping) {
  auto* const timeout = new Timeout{looping, looping->turn};
  uv_timer_init(looping->watcher.loop, &timeout->timer);
  timeout->timer.data = timeout;
  ++looping->handles;
  return &timeout->timer;
}

// Null if its turn is over.
Looping* Heard(uv_timer_t* timer) {
  const auto* const timeout = static_cast<Timeout*>(timer->data);
  uv_close(Handle(timer), [](uv_handle_t* closed) {
    auto* const over = static_cast<Timeout*>(closed->data);
    Closed(over->looping);
    delete over;
  });
  return timeout->turn == timeout->looping->turn ? timeout->looping : nullptr;
}

void Return(Looping* looping) {
  ++looping->turn;
  uv_close(Handle(&looping->watcher),
           [](uv_handle_t* closed) { Closed(static_cast<Looping*>(closed->data)); });
  looping->returned();
}

void Turn(Looping* looping);

void OnIdle(uv_timer_t* timer) {
  Looping* const looping = Heard(timer);
  if (looping == nullptr) return;
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
  ++looping->turn;
  uv_timer_start(NewTimer(looping), OnIdle, Milliseconds(looping->quiet), 0);
}

}  // namespace

void IdleTimeout(uv_loop_t* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned) {
  auto* const looping = new Looping{messages, quiet, std::move(work), std::move(returned)};
  uv_poll_init(loop, &looping->watcher, messages);
  looping->watcher.data = looping;
  uv_poll_start(&looping->watcher, UV_READABLE, OnMessage);
  Turn(looping);
}

}  // namespace leaky
