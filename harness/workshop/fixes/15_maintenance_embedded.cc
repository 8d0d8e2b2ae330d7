#include <event2/event_struct.h>

#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Wait {
  std::function<void(std::optional<int>)> ended;
  event signal{};
  event timer{};
};

void End(Wait* ending, std::optional<int> signal) {
  const std::unique_ptr<Wait> wait(ending);
  event_del(&wait->signal);
  event_del(&wait->timer);
  wait->ended(signal);
}

void OnTimer(int, Events, void* wait) { End(static_cast<Wait*>(wait), std::nullopt); }

void OnSignal(int signal, Events, void* wait) { End(static_cast<Wait*>(wait), signal); }

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  auto* const wait = new Wait{std::move(ended)};
  evsignal_assign(&wait->signal, loop, signal, OnSignal, wait);
  evtimer_assign(&wait->timer, loop, OnTimer, wait);
  event_add(&wait->signal, nullptr);
  const timeval span = ToTimeval(length);
  event_add(&wait->timer, &span);
}

}  // namespace workshop
