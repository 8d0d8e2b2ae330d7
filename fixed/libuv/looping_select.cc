#include "pairs/loops/libuv.h"

namespace fixed {
namespace {

struct Looping {
  const int messages;
  const Work work;
  const std::function<void()> returned;
  uv_poll_t watcher{};
  uv_timer_t poll{};
  uv_timer_t give_up{};
  int handles = 3;  // not yet closed; the last one takes this with it
};

void Closed(uv_handle_t* closed) {
  auto* const looping = static_cast<Looping*>(closed->data);
  if (--looping->handles == 0) delete looping;
}

void Return(Looping* looping) {
  uv_close(Handle(&looping->watcher), Closed);
  uv_close(Handle(&looping->poll), Closed);
  uv_close(Handle(&looping->give_up), Closed);
  looping->returned();
}

void OnPoll(uv_timer_t* timer) { static_cast<Looping*>(timer->data)->work.poll(); }

void OnGiveUp(uv_timer_t* timer) { Return(static_cast<Looping*>(timer->data)); }

void OnMessage(uv_poll_t* watcher, int, int) {
  auto* const looping = static_cast<Looping*>(watcher->data);
  const auto message = Receive(looping->messages);
  if (!message) return Return(looping);
  looping->work.handle(*message);
}

}  // namespace

void LoopingSelect(uv_loop_t* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned) {
  auto* const looping = new Looping{messages, std::move(work), std::move(returned)};
  uv_poll_init(loop, &looping->watcher, messages);
  uv_timer_init(loop, &looping->poll);
  uv_timer_init(loop, &looping->give_up);
  looping->watcher.data = looping->poll.data = looping->give_up.data = looping;
  uv_poll_start(&looping->watcher, UV_READABLE, OnMessage);
  uv_timer_start(&looping->poll, OnPoll, Milliseconds(times.poll), Milliseconds(times.poll));
  uv_timer_start(&looping->give_up, OnGiveUp, Milliseconds(times.give_up), 0);
}

}  // namespace fixed
