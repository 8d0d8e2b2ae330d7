#include <asio.hpp>

#include "afterleak/loops/testing.h"

void Ask(asio::io_context& loop);

TEST(Client, LeavesNothingBehind) {
  asio::io_context loop;
  const auto ask = [&] {
    Ask(loop);
    loop.restart();
    loop.poll();
  };
  EXPECT_TRUE(afterleak::loops::LeavesNothingBehind(ask, {.calls = 100}));
}
