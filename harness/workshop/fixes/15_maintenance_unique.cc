#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Frees {
  void operator()(event* it) const { event_free(it); }
};
using Owned = std::unique_ptr<event, Frees>;

struct Wait {
  std::function<void(std::optional<int>)> ended;
  Owned signal{};
  Owned timer{};
};

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  const auto callback = [](int number, Events what, void* argument) {
    const auto wait = std::unique_ptr<Wait>{static_cast<Wait*>(argument)};
    wait->signal = nullptr;
    wait->timer.reset();
    wait->ended((what & EV_SIGNAL) != 0 ? std::optional(number) : std::nullopt);
  };
  auto wait = std::make_unique<Wait>(Wait{std::move(ended)});
  wait->signal.reset(evsignal_new(loop, signal, callback, wait.get()));
  wait->timer.reset(evtimer_new(loop, callback, wait.get()));
  const auto span = ToTimeval(length);
  evsignal_add(wait->signal.get(), nullptr);
  evtimer_add(wait->timer.get(), &span);
  wait.release();
}

}  // namespace workshop
