// A hundred requests, and what find_it.md says that shows then. Compiled with
// ASIO_ENABLE_HANDLER_TRACKING, which prints each wait and its end.
#include <asio.hpp>
#include <cstdio>

void Ask(asio::io_context& loop);

int main() {
  asio::io_context loop;
  for (int i = 0; i < 100; ++i) Ask(loop);
  loop.poll();
  std::puts(loop.stopped() ? "run returns" : "run does not return");
}
