#include "pairs/loops/glib.h"

namespace fixed {
namespace {

struct Looping {
  const Duration quiet;
  const Work work;
  const std::function<void()> returned;
  guint watcher = 0;
  guint idle = 0;
};

void Return(Looping* looping) {
  g_source_remove(looping->watcher);
  g_source_remove(looping->idle);
  looping->returned();
  delete looping;
}

void Turn(Looping* looping);

gboolean OnIdle(gpointer argument) {
  auto* const looping = static_cast<Looping*>(argument);
  looping->work.poll();
  Turn(looping);
  return G_SOURCE_REMOVE;
}

gboolean OnMessage(gint messages, GIOCondition, gpointer argument) {
  auto* const looping = static_cast<Looping*>(argument);
  if (const auto message = Receive(messages)) {
    looping->work.handle(*message);
    g_source_remove(looping->idle);
    Turn(looping);
  } else {
    Return(looping);
  }
  return G_SOURCE_CONTINUE;
}

void Turn(Looping* looping) {
  looping->idle = g_timeout_add(Milliseconds(looping->quiet), OnIdle, looping);
}

}  // namespace

void IdleTimeout(int messages, Duration quiet, Work work, std::function<void()> returned) {
  auto* const looping = new Looping{quiet, std::move(work), std::move(returned)};
  looping->watcher = g_unix_fd_add(messages, G_IO_IN, OnMessage, looping);
  Turn(looping);
}

}  // namespace fixed
