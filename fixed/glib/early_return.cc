#include "pairs/loops/glib.h"

namespace fixed {
namespace {

struct Call {
  const std::function<void(std::optional<std::string>)> returned;
  guint watcher = 0;
  guint poll = 0;
  guint give_up = 0;
};

void Return(Call* call, std::optional<std::string> message) {
  g_source_remove(call->watcher);
  g_source_remove(call->poll);
  g_source_remove(call->give_up);
  call->returned(std::move(message));
  delete call;
}

gboolean OnPoll(gpointer) { return G_SOURCE_CONTINUE; }  // it waits on

gboolean OnGiveUp(gpointer call) {
  Return(static_cast<Call*>(call), std::nullopt);
  return G_SOURCE_REMOVE;
}

gboolean OnMessage(gint messages, GIOCondition, gpointer call) {
  Return(static_cast<Call*>(call), Receive(messages));
  return G_SOURCE_REMOVE;
}

}  // namespace

void EarlyReturn(int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  auto* const call = new Call{std::move(returned)};
  call->watcher = g_unix_fd_add(messages, G_IO_IN, OnMessage, call);
  call->poll = g_timeout_add(Milliseconds(times.poll), OnPoll, call);
  call->give_up = g_timeout_add(Milliseconds(times.give_up), OnGiveUp, call);
}

}  // namespace fixed
