// Asio: a keep-alive per open connection, clean. Its variants:
// 0: grow then shrink
// 1: constant concurrency
// 2: bursts
// 3: grow to a ceiling slowly
#include <asio.hpp>
#include <deque>
#include <memory>

#include "load_asio.h"

using namespace std::chrono_literals;

struct Connection {
  explicit Connection(asio::io_context& io) : keepalive(io) { Arm(); }
  ~Connection() { T_end(id); }  // the destructor of the timer cancels the wait
  void Arm() {
    keepalive.expires_after(75s);
    id = ARM;
    keepalive.async_wait([](asio::error_code) {});
  }
  void Request() {
    T_end(id);
    Arm();
  }
  asio::steady_timer keepalive;
  int id = -1;
};

int main(int argc, char** argv) {
  T_start(argc, argv, 500);
  asio::io_context io;
  std::deque<std::unique_ptr<Connection>> open;
  size_t n = 0;
  auto accept = [&] { open.push_back(std::make_unique<Connection>(io)); };
  auto close = [&](int count) {
    for (int i = 0; i < count && !open.empty(); ++i) open.pop_front();
  };
  auto work = [&] {
    const auto base = (size_t)T.base;
    ++n;
    if (SHAPE == 0 && n % base < base * 3 / 5) accept(), accept();  // the morning
    if (SHAPE == 0 && n % base >= base * 3 / 5) close(3);
    if (SHAPE == 1) accept();
    if (SHAPE == 1 && open.size() > 60) close(1);
    if (SHAPE == 2) {
      for (int i = 0; n % 100 == 1 && i < 150; ++i) accept();
      close(2);
    }
    // The ceiling is the size of the client's pool.
    if (SHAPE == 3 && n % 2 == 0 && open.size() < 200) accept();
    if (!open.empty()) open[n % open.size()]->Request();
  };
  Load load{asio::steady_timer(io), 4ms, work, [&] {
              T_report();
              open.clear();
              io.stop();
            }};
  load.Next();
  io.run();
}
