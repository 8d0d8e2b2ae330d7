#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Wait {
  const std::function<void(std::optional<int>)> ended;
  event* either = nullptr;
};

void OnEither(int signal, Events what, void* argument) {
  const std::unique_ptr<Wait> wait(static_cast<Wait*>(argument));
  event_free(wait->either);
  wait->ended((what & EV_SIGNAL) != 0 ? std::optional(signal) : std::nullopt);
}

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  auto* const wait = new Wait{std::move(ended)};
  wait->either = evsignal_new(loop, signal, OnEither, wait);
  const timeval span = ToTimeval(length);
  event_add(wait->either, &span);
}

}  // namespace workshop
