#include "pairs/loops/asio.h"

namespace fixed {
namespace {

struct Session {
  asio::signal_set signals;
  const std::function<void(std::optional<int>)> ended;
  bool over = false;

  void End(std::optional<int> signal) {
    if (std::exchange(over, true)) return;
    signals.clear();
    ended(signal);
  }
};

}  // namespace

void SignalBeforeExpiry(asio::io_context& loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended) {
  const std::shared_ptr<Session> session(
      new Session{asio::signal_set(loop, signal), std::move(ended)});
  const auto timer = std::make_shared<asio::steady_timer>(loop, length);
  timer->async_wait([session, timer](asio::error_code) { session->End(std::nullopt); });
  session->signals.async_wait([session, timer](asio::error_code error, int caught) {
    timer->cancel();
    if (!error) session->End(caught);
  });
}

}  // namespace fixed
