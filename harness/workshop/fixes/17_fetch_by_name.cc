#include <map>

#include "workshop/on_asio.h"

namespace workshop {
namespace {

// The time limits of the names that are asked for.
std::map<std::string, std::unique_ptr<asio::steady_timer>> limits;

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
  const auto request = std::make_shared<asio::cancellation_signal>();
  limits[name] = std::make_unique<asio::steady_timer>(loop, limit);
  limits[name]->async_wait([request](asio::error_code error) {
    if (!error) request->emit(asio::cancellation_type::terminal);
  });
  std::optional<std::string> answer;
  try {
    answer =
        co_await asio::co_spawn(loop, UntilItAnswers(ask, name, pause),
                                asio::bind_cancellation_slot(request->slot(), asio::use_awaitable));
  } catch (const asio::system_error&) {  // it was cancelled
  }
  limits.erase(name);
  co_return answer;
}

}  // namespace workshop
