// The two race, and `||` cancels the loser, whichever it is: the question, the pause or the time
// limit. It returns when the loser has ended, too.
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
    co_await timer.async_wait(asio::use_awaitable);  // throws if it is cancelled
  }
}

}  // namespace

asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer over(co_await asio::this_coro::executor, limit);
  auto first = co_await (UntilItAnswers(ask, name, pause) || over.async_wait(asio::use_awaitable));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return std::nullopt;
}

}  // namespace workshop
