#include "pairs/loops/libevent.h"

namespace fixed {
namespace {

struct Looping {
  const timeval quiet;
  const Work work;
  const std::function<void()> returned;
  event* watcher = nullptr;
  event* idle = nullptr;
};

void Return(Looping* looping) {
  event_free(looping->watcher);
  event_free(looping->idle);
  looping->returned();
  delete looping;
}

void Turn(Looping* looping);

void OnIdle(int, Events, void* argument) {
  auto* const looping = static_cast<Looping*>(argument);
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

void Turn(Looping* looping) { event_add(looping->idle, &looping->quiet); }

}  // namespace

void IdleTimeout(event_base* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned) {
  auto* const looping = new Looping{ToTimeval(quiet), std::move(work), std::move(returned)};
  looping->watcher = event_new(loop, messages, EV_READ | EV_PERSIST, OnMessage, looping);
  event_add(looping->watcher, nullptr);
  looping->idle = evtimer_new(loop, OnIdle, looping);
  Turn(looping);
}

}  // namespace fixed
