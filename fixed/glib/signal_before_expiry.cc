#include "pairs/loops/glib.h"

namespace fixed {
namespace {

struct Session {
  const int number;
  const std::function<void(std::optional<int>)> ended;
  guint signal = 0;
  guint timer = 0;
};

void End(Session* session, std::optional<int> signal) {
  g_source_remove(session->signal);
  g_source_remove(session->timer);
  session->ended(signal);
  delete session;
}

gboolean OnExpiry(gpointer session) {
  End(static_cast<Session*>(session), std::nullopt);
  return G_SOURCE_REMOVE;
}

gboolean OnSignal(gpointer argument) {
  auto* const session = static_cast<Session*>(argument);
  End(session, session->number);
  return G_SOURCE_REMOVE;
}

}  // namespace

void SignalBeforeExpiry(int signal, Duration length,
                        std::function<void(std::optional<int>)> ended) {
  auto* const session = new Session{signal, std::move(ended)};
  session->signal = g_unix_signal_add(signal, OnSignal, session);
  session->timer = g_timeout_add(Milliseconds(length), OnExpiry, session);
}

}  // namespace fixed
