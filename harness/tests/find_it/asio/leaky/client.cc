#include <asio.hpp>
#include <cstdio>
#include <memory>

using namespace std::chrono_literals;

// Asks a server, and gives up after 30 seconds.
void Ask(asio::io_context& loop) {
  auto limit = std::make_shared<asio::steady_timer>(loop, 30s);
  limit->async_wait([limit](asio::error_code error) {
    if (!error) std::puts("too late");
  });
  asio::post(loop, [] { /* the answer is here */ });
}
