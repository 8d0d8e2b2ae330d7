#include "pairs/loops/libuv.h"

namespace fixed {
namespace {

struct Session {
  const std::function<void(std::optional<int>)> ended;
  uv_signal_t signal{};
  uv_timer_t timer{};
  int handles = 2;  // not yet closed; the last one takes this with it
};

void Closed(uv_handle_t* closed) {
  auto* const session = static_cast<Session*>(closed->data);
  if (--session->handles == 0) delete session;
}

void End(Session* session, std::optional<int> signal) {
  uv_close(Handle(&session->signal), Closed);
  uv_close(Handle(&session->timer), Closed);
  session->ended(signal);
}

void OnExpiry(uv_timer_t* timer) { End(static_cast<Session*>(timer->data), std::nullopt); }

void OnSignal(uv_signal_t* signal, int number) { End(static_cast<Session*>(signal->data), number); }

}  // namespace

void SignalBeforeExpiry(uv_loop_t* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended) {
  auto* const session = new Session{std::move(ended)};
  uv_signal_init(loop, &session->signal);
  uv_timer_init(loop, &session->timer);
  session->signal.data = session->timer.data = session;
  uv_signal_start(&session->signal, OnSignal, signal);
  uv_timer_start(&session->timer, OnExpiry, Milliseconds(length), 0);
}

}  // namespace fixed
