// Asio: a binary heap of deadlines and pointers. Each wait is an operation that Asio allocates.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

class Asio {
 public:
  static constexpr const char* kName = "asio";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  Asio(std::size_t room, nanoseconds) {
    for (std::size_t i = 0; i < room; ++i) timers_.emplace_back(loop_);
  }

  // Setting a deadline cancels the waits for the old one; none is left by then.
  void Arm(std::size_t timer, nanoseconds delay) {
    timers_[timer].expires_after(delay);
    timers_[timer].async_wait([this](const asio::error_code& error) {
      if (!error) ++fired;
    });
  }
  void Stop(std::size_t timer) { timers_[timer].cancel(); }
  void Poll() {
    loop_.restart();  // it stops when no wait is left
    loop_.poll();
  }

  std::int64_t fired = 0;

 private:
  asio::io_context loop_{ASIO_CONCURRENCY_HINT_UNSAFE};  // without locks
  std::deque<asio::steady_timer> timers_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Asio>(argc, argv); }
