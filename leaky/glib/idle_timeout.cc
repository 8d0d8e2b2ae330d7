#include "pairs/loops/glib.h"

namespace leaky {
namespace {

struct Looping {
  const Duration quiet;
  const Work work;
  const std::function<void()> returned;
  guint watcher = 0;
  int turn = 0;
  int timeouts = 0;  // still to come
};

struct Timeout {
  Looping* const looping;
  const int turn;  // the one that waits for it
};

void DeleteIfOver(Looping* looping) {
  if (looping->watcher == 0 && looping->timeouts == 0) delete looping;
}

Timeout* NewTimeout(Looping* looping) {
  ++looping->timeouts;
  return new Timeout{looping, looping->turn};
}

// Null if its turn is over.
Looping* Heard(gpointer argument) {
  const std::unique_ptr<Timeout> timeout(static_cast<Timeout*>(argument));
  Looping* const looping = timeout->looping;
  --looping->timeouts;
  if (timeout->turn == looping->turn) return looping;
  DeleteIfOver(looping);
  return nullptr;
}

void Return(Looping* looping) {
  ++looping->turn;
  g_source_remove(std::exchange(looping->watcher, 0));
  looping->returned();
  DeleteIfOver(looping);
}

void Turn(Looping* looping);

gboolean OnIdle(gpointer timeout) {
  if (Looping* const looping = Heard(timeout)) {
    looping->work.poll();
    Turn(looping);
  }
  return G_SOURCE_REMOVE;
}

gboolean OnMessage(gint messages, GIOCondition, gpointer argument) {
  auto* const looping = static_cast<Looping*>(argument);
  if (const auto message = Receive(messages)) {
    looping->work.handle(*message);
    Turn(looping);
  } else {
    Return(looping);
  }
  return G_SOURCE_CONTINUE;
}

void Turn(Looping* looping) {
  ++looping->turn;
  g_timeout_add(Milliseconds(looping->quiet), OnIdle, NewTimeout(looping));
}

}  // namespace

void IdleTimeout(int messages, Duration quiet, Work work, std::function<void()> returned) {
  auto* const looping = new Looping{quiet, std::move(work), std::move(returned)};
  looping->watcher = g_unix_fd_add(messages, G_IO_IN, OnMessage, looping);
  Turn(looping);
}

}  // namespace leaky
