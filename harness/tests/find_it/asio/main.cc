#include <asio.hpp>

void Ask(asio::io_context& loop);

int main() {
  asio::io_context loop;
  for (int i = 0; i < 1000; ++i) Ask(loop);
  loop.poll();
}
