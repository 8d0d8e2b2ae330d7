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

asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit) {
  const auto loop = co_await asio::this_coro::executor;
  asio::steady_timer over(loop, limit);
  const auto [order, threw, answer, error] =
      co_await asio::experimental::make_parallel_group(
          [&](auto token) {
            return asio::co_spawn(loop, UntilItAnswers(ask, name, pause), std::move(token));
          },
          [&](auto token) { return over.async_wait(std::move(token)); })
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (order[0] == 0 && !threw) co_return answer;
  co_return std::nullopt;
}

}  // namespace workshop
