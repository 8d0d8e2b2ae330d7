#include "workshop/on_asio.h"

namespace workshop {

asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer over(co_await asio::this_coro::executor, limit);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;; pause *= 2) {
    try {
      auto first = co_await (ask(name) || over.async_wait(asio::use_awaitable));
      if (first.index() == 0) co_return std::get<0>(std::move(first));
      co_return std::nullopt;
    } catch (const asio::multiple_exceptions&) {  // the connection broke
    }
    timer.expires_after(pause);
    co_await (timer.async_wait(asio::use_awaitable) || over.async_wait(asio::use_awaitable));
  }
}

}  // namespace workshop
