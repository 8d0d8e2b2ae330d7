#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Wait {
  const std::function<void(std::optional<int>)> ended;
  event* signal = nullptr;
  event* timer = nullptr;
  Duration rest;
};

constexpr Duration kLook = 10ms;

void End(Wait* ending, std::optional<int> signal) {
  const std::unique_ptr<Wait> wait(ending);
  event_free(wait->signal);
  event_free(wait->timer);
  wait->ended(signal);
}

void OnTimer(int, Events, void* argument) {
  auto* const wait = static_cast<Wait*>(argument);
  wait->rest -= kLook;
  if (wait->rest <= 0s) return End(wait, std::nullopt);
  const timeval span = ToTimeval(kLook);
  event_add(wait->timer, &span);
}

void OnSignal(int signal, Events, void* wait) { End(static_cast<Wait*>(wait), signal); }

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  auto* const wait = new Wait{std::move(ended), nullptr, nullptr, length};
  wait->signal = evsignal_new(loop, signal, OnSignal, wait);
  wait->timer = evtimer_new(loop, OnTimer, wait);
  event_add(wait->signal, nullptr);
  const timeval span = ToTimeval(kLook);
  event_add(wait->timer, &span);
}

}  // namespace workshop
