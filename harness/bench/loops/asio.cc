#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <vector>

#include "bench/loops/turns.h"

namespace {

using namespace std::chrono_literals;

class Loop {
 public:
  static constexpr const char* kName = "asio";

  explicit Loop(std::int64_t live) : timer_(loop_) {
    for (std::int64_t i = 0; i < live; ++i) {
      pending_.emplace_back(loop_, 1000s);
      pending_.back().async_wait([](asio::error_code) {});
    }
  }

  // Asio runs the handler of a wait that was cancelled.
  void StartStop() {
    timer_.expires_after(1s);
    timer_.async_wait([](asio::error_code) {});
    timer_.cancel();
    loop_.poll();
  }

 private:
  asio::io_context loop_{1};
  asio::steady_timer timer_;
  std::vector<asio::steady_timer> pending_;
};

}  // namespace

int main(int argc, char** argv) { return bench::MeasureLoop<Loop>(argc, argv); }
