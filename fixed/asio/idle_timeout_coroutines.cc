#include <asio/experimental/awaitable_operators.hpp>

#include "pairs/loops/asio.h"

namespace fixed {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::posix::stream_descriptor;
using namespace asio::experimental::awaitable_operators;

awaitable<void> After(Duration delay) {
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(use_awaitable);
}

awaitable<void> Looping(stream_descriptor& messages, Duration quiet, Work work,
                        std::function<void()> returned) {
  for (;;) {
    const auto first =
        co_await (messages.async_wait(stream_descriptor::wait_read, use_awaitable) || After(quiet));
    if (first.index() == 1) {
      work.poll();
      continue;
    }
    const auto message = Receive(messages.native_handle());
    if (!message) break;
    work.handle(*message);
  }
  returned();
}

}  // namespace

void IdleTimeoutOfCoroutines(stream_descriptor& messages, Duration quiet, Work work,
                             std::function<void()> returned) {
  asio::co_spawn(messages.get_executor(),
                 Looping(messages, quiet, std::move(work), std::move(returned)), asio::detached);
}

}  // namespace fixed
