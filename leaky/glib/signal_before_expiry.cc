#include "pairs/loops/glib.h"

namespace leaky {
namespace {

struct Session {
  const int number;
  const std::function<void(std::optional<int>)> ended;
  guint signal = 0;
  bool over = false;
};

void End(Session* session, std::optional<int> signal) {
  session->over = true;
  g_source_remove(session->signal);
  session->ended(signal);
}

gboolean OnExpiry(gpointer argument) {
  const std::unique_ptr<Session> session(static_cast<Session*>(argument));
  if (!session->over) End(session.get(), std::nullopt);
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
  g_timeout_add(Milliseconds(length), OnExpiry, session);
}

}  // namespace leaky
