// libuv: a binary heap of linked nodes, in the handles that the caller owns.
#include <uv.h>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

class Libuv {
 public:
  static constexpr const char* kName = "libuv";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  Libuv(std::size_t room, nanoseconds) : timers_(room) {
    uv_loop_init(&loop_);
    for (uv_timer_t& timer : timers_) {
      uv_timer_init(&loop_, &timer);
      timer.data = this;
    }
  }
  ~Libuv() {
    for (uv_timer_t& timer : timers_) uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  // Delays count from the time that the loop last read.
  void Arm(std::size_t timer, nanoseconds delay) {
    const nanoseconds after = delay + (bench::VirtualNow() - polled_);
    uv_timer_start(
        &timers_[timer], [](uv_timer_t* due) { ++static_cast<Libuv*>(due->data)->fired; },
        static_cast<std::uint64_t>(after / std::chrono::milliseconds(1)), 0);
  }
  void Stop(std::size_t timer) { uv_timer_stop(&timers_[timer]); }
  void Poll() {
    polled_ = bench::VirtualNow();
    uv_run(&loop_, UV_RUN_NOWAIT);
  }

  std::int64_t fired = 0;

 private:
  uv_loop_t loop_;
  std::vector<uv_timer_t> timers_;
  nanoseconds polled_ = bench::VirtualNow();
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Libuv>(argc, argv); }
