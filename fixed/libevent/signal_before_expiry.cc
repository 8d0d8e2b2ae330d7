#include "pairs/loops/libevent.h"

namespace fixed {
namespace {

struct Session {
  const std::function<void(std::optional<int>)> ended;
  event* signal = nullptr;
  event* timer = nullptr;
};

void End(Session* session, std::optional<int> signal) {
  event_free(session->signal);
  event_free(session->timer);
  session->ended(signal);
  delete session;
}

void OnExpiry(int, Events, void* session) { End(static_cast<Session*>(session), std::nullopt); }

void OnSignal(int signal, Events, void* session) { End(static_cast<Session*>(session), signal); }

}  // namespace

void SignalBeforeExpiry(event_base* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended) {
  const timeval span = ToTimeval(length);
  auto* const session = new Session{std::move(ended)};
  session->signal = evsignal_new(loop, signal, OnSignal, session);
  event_add(session->signal, nullptr);
  session->timer = evtimer_new(loop, OnExpiry, session);
  event_add(session->timer, &span);
}

}  // namespace fixed
