#include "pairs/loops/glib.h"

namespace leaky {
namespace {

struct Call {
  const LoopTimes times;
  const std::function<void(std::optional<std::string>)> returned;
  guint watcher = 0;
  int turn = 0;
  int timeouts = 0;  // still to come
};

struct Timeout {
  Call* const call;
  const int turn;  // the one that waits for it
};

void DeleteIfOver(Call* call) {
  if (call->watcher == 0 && call->timeouts == 0) delete call;
}

Timeout* NewTimeout(Call* call) {
  ++call->timeouts;
  return new Timeout{call, call->turn};
}

// Null if its turn is over.
Call* Heard(gpointer argument) {
  const std::unique_ptr<Timeout> timeout(static_cast<Timeout*>(argument));
  Call* const call = timeout->call;
  --call->timeouts;
  if (timeout->turn == call->turn) return call;
  DeleteIfOver(call);
  return nullptr;
}

void Return(Call* call, std::optional<std::string> message) {
  ++call->turn;
  g_source_remove(std::exchange(call->watcher, 0));
  call->returned(std::move(message));
  DeleteIfOver(call);
}

void Turn(Call* call);

gboolean OnPoll(gpointer timeout) {
  if (Call* const call = Heard(timeout)) Turn(call);
  return G_SOURCE_REMOVE;
}

gboolean OnGiveUp(gpointer timeout) {
  if (Call* const call = Heard(timeout)) Return(call, std::nullopt);
  return G_SOURCE_REMOVE;
}

gboolean OnMessage(gint messages, GIOCondition, gpointer call) {
  Return(static_cast<Call*>(call), Receive(messages));
  return G_SOURCE_REMOVE;
}

void Turn(Call* call) {
  ++call->turn;
  g_timeout_add(Milliseconds(call->times.poll), OnPoll, NewTimeout(call));
  g_timeout_add(Milliseconds(call->times.give_up), OnGiveUp, NewTimeout(call));
}

}  // namespace

void EarlyReturn(int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  auto* const call = new Call{times, std::move(returned)};
  call->watcher = g_unix_fd_add(messages, G_IO_IN, OnMessage, call);
  Turn(call);
}

}  // namespace leaky
