#include "pairs/loops/libevent.h"

namespace fixed {
namespace {

struct Looping {
  const Work work;
  const std::function<void()> returned;
  event* watcher = nullptr;
  event* poll = nullptr;
  event* give_up = nullptr;
};

void Return(Looping* looping) {
  event_free(looping->watcher);
  event_free(looping->poll);
  event_free(looping->give_up);
  looping->returned();
  delete looping;
}

void OnPoll(int, Events, void* argument) { static_cast<Looping*>(argument)->work.poll(); }

void OnGiveUp(int, Events, void* argument) { Return(static_cast<Looping*>(argument)); }

void OnMessage(int messages, Events, void* argument) {
  auto* const looping = static_cast<Looping*>(argument);
  const auto message = Receive(messages);
  if (!message) return Return(looping);
  looping->work.handle(*message);
}

}  // namespace

void LoopingSelect(event_base* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned) {
  const timeval poll = ToTimeval(times.poll);
  const timeval give_up = ToTimeval(times.give_up);
  auto* const looping = new Looping{std::move(work), std::move(returned)};
  looping->watcher = event_new(loop, messages, EV_READ | EV_PERSIST, OnMessage, looping);
  event_add(looping->watcher, nullptr);
  looping->poll = event_new(loop, -1, EV_PERSIST, OnPoll, looping);
  event_add(looping->poll, &poll);
  looping->give_up = evtimer_new(loop, OnGiveUp, looping);
  event_add(looping->give_up, &give_up);
}

}  // namespace fixed
