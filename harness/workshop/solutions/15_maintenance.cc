// A timer that one can hold: evtimer_new in place of event_base_once. Whatever ends the wait, both
// of its events are freed, which takes them out of the loop, and so is what they refer to.
#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Wait {
  const std::function<void(std::optional<int>)> ended;
  event* signal = nullptr;
  event* timer = nullptr;
};

void End(Wait* ending, std::optional<int> signal) {
  const std::unique_ptr<Wait> wait(ending);
  event_free(wait->signal);
  event_free(wait->timer);
  wait->ended(signal);
}

void OnTimer(int, Events, void* wait) { End(static_cast<Wait*>(wait), std::nullopt); }

void OnSignal(int signal, Events, void* wait) { End(static_cast<Wait*>(wait), signal); }

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  auto* const wait = new Wait{std::move(ended)};
  wait->signal = evsignal_new(loop, signal, OnSignal, wait);
  wait->timer = evtimer_new(loop, OnTimer, wait);
  event_add(wait->signal, nullptr);
  const timeval span = ToTimeval(length);
  event_add(wait->timer, &span);
}

}  // namespace workshop
