// The watch that nobody called off
//
// A gateway on Asio's coroutines fetches a price from a server for each order. Connections break,
// so it asks again after a pause, which doubles each time. It gives up after `limit`: a second
// coroutine sees to that.
//
// The gateway was rewritten from callbacks to coroutines, and the leak of 12_lookup went with them,
// they say: no handler owns a timer any more, and the timer below is a local variable.
//
// It is local to a coroutine that waits. So the frame of that coroutine stays until it is resumed,
// with all that it holds, and here it is resumed by its timer alone.
//
// The promise:
//   Fetch asks the server, and returns the answer at once when it comes. When the connection breaks
//   (`ask` throws asio::system_error), it asks again after `pause`, then after twice as long, and
//   so on. When `limit` is over, to the instant, it cancels what is in progress, the question or
//   the pause, and returns nothing. When it has returned, nothing of it waits in the loop.
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

asio::awaitable<void> Watch(std::shared_ptr<asio::cancellation_signal> request, Duration limit) {
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  const auto [error] = co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  if (!error) request->emit(asio::cancellation_type::terminal);
}

}  // namespace

asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit) {
  const auto loop = co_await asio::this_coro::executor;
  const auto request = std::make_shared<asio::cancellation_signal>();
  asio::co_spawn(loop, Watch(request, limit), asio::detached);
  try {
    co_return co_await asio::co_spawn(
        loop, UntilItAnswers(ask, name, pause),
        asio::bind_cancellation_slot(request->slot(), asio::use_awaitable));
  } catch (const asio::system_error&) {  // it was cancelled
    co_return std::nullopt;
  }
}

}  // namespace workshop
