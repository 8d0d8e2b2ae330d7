#include "workshop/on_asio.h"

namespace workshop {

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  const auto timer = std::make_shared<asio::steady_timer>(loop, limit);
  const auto over = std::make_shared<bool>(false);
  timer->async_wait([timer, over, done](asio::error_code error) {
    if (error || std::exchange(*over, true)) return;
    done(std::nullopt);
  });
  // The handler owns the timer, and so does the question, which can cancel it.
  ask(name, [timer, over, done](std::string address) {
    if (std::exchange(*over, true)) return;
    timer->cancel();
    done(std::move(address));
  });
}

}  // namespace workshop
