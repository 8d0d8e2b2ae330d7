#include "workshop/on_asio.h"

namespace workshop {
namespace {

asio::awaitable<std::string> UntilItAnswers(Ask ask, std::string name, Duration pause) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;; pause *= 2) {
    try {
      co_return co_await ask(name);
    } catch (const asio::system_error&) {  // the connection broke
    }
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace

// The answer calls off the time limit, and the time limit calls off nothing.
asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit) {
  const auto loop = co_await asio::this_coro::executor;
  const auto over = std::make_shared<asio::steady_timer>(loop, limit);
  const auto answer = std::make_shared<std::optional<std::string>>();
  asio::co_spawn(loop, UntilItAnswers(ask, name, pause),
                 [over, answer](const std::exception_ptr&, std::string text) {
                   *answer = std::move(text);
                   over->cancel();
                 });
  asio::error_code error;
  if (!*answer) co_await over->async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return *answer;
}

}  // namespace workshop
