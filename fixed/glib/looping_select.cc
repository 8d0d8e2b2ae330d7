#include "pairs/loops/glib.h"

namespace fixed {
namespace {

struct Looping {
  const Work work;
  const std::function<void()> returned;
  guint watcher = 0;
  guint poll = 0;
  guint give_up = 0;
};

void Return(Looping* looping) {
  g_source_remove(looping->watcher);
  g_source_remove(looping->poll);
  g_source_remove(looping->give_up);
  looping->returned();
  delete looping;
}

gboolean OnPoll(gpointer looping) {
  static_cast<Looping*>(looping)->work.poll();
  return G_SOURCE_CONTINUE;
}

gboolean OnGiveUp(gpointer looping) {
  Return(static_cast<Looping*>(looping));
  return G_SOURCE_REMOVE;
}

gboolean OnMessage(gint messages, GIOCondition, gpointer argument) {
  auto* const looping = static_cast<Looping*>(argument);
  if (const auto message = Receive(messages)) {
    looping->work.handle(*message);
  } else {
    Return(looping);
  }
  return G_SOURCE_CONTINUE;
}

}  // namespace

void LoopingSelect(int messages, LoopTimes times, Work work, std::function<void()> returned) {
  auto* const looping = new Looping{std::move(work), std::move(returned)};
  looping->watcher = g_unix_fd_add(messages, G_IO_IN, OnMessage, looping);
  looping->poll = g_timeout_add(Milliseconds(times.poll), OnPoll, looping);
  looping->give_up = g_timeout_add(Milliseconds(times.give_up), OnGiveUp, looping);
}

}  // namespace fixed
