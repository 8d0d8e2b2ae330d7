// Closed until somebody calls
//
// A server on libevent that is under maintenance turns its customers away, until the operator sends
// a signal, or until the time that was set for it is over.
//
// The operator is quick: most of it takes a minute, and four hours are set, to be safe. After each
// of them something stays until the four hours are over: a timer, and all that the customers'
// requests were waiting for.
//
// event_base_once arms a timer, and frees it when it has fired. It returns nothing that one could
// hold on to. So nobody can take it back.
//
// The promise:
//   WaitForSignal calls `ended` once: with the number of the signal when it comes, or with nothing
//   when `length` is over, to the instant. Several may wait for one signal: each gets it. When
//   `ended` has returned, it is let go, nothing of the wait is in the loop, and when nobody waits
//   any more, the signal does what it did before.
#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Wait {
  const std::function<void(std::optional<int>)> ended;
  event* signal = nullptr;
};

void End(Wait* wait, std::optional<int> signal) {
  event_free(std::exchange(wait->signal, nullptr));
  wait->ended(signal);
}

void OnTimer(int, Events, void* argument) {
  const std::unique_ptr<Wait> wait(static_cast<Wait*>(argument));
  if (wait->signal != nullptr) End(wait.get(), std::nullopt);
}

void OnSignal(int signal, Events, void* wait) { End(static_cast<Wait*>(wait), signal); }

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  auto* const wait = new Wait{std::move(ended)};
  wait->signal = evsignal_new(loop, signal, OnSignal, wait);
  event_add(wait->signal, nullptr);
  const timeval span = ToTimeval(length);
  event_base_once(loop, -1, EV_TIMEOUT, OnTimer, wait, &span);
}

}  // namespace workshop
