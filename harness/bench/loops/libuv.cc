#include <uv.h>

#include <vector>

#include "bench/loops/turns.h"

namespace {

class Loop {
 public:
  static constexpr const char* kName = "libuv";

  explicit Loop(std::int64_t live) : pending_(static_cast<std::size_t>(live)) {
    uv_loop_init(&loop_);
    for (uv_timer_t& timer : pending_) Start(timer);
    uv_timer_init(&loop_, &timer_);
  }
  ~Loop() {
    for (uv_timer_t& timer : pending_) Close(timer);
    Close(timer_);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void StartStop() {
    uv_timer_start(&timer_, [](uv_timer_t*) {}, 1000, 0);
    uv_timer_stop(&timer_);
  }

 private:
  void Start(uv_timer_t& timer) {
    uv_timer_init(&loop_, &timer);
    uv_timer_start(&timer, [](uv_timer_t*) {}, 1'000'000, 0);
  }
  static void Close(uv_timer_t& timer) {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  }

  uv_loop_t loop_;
  uv_timer_t timer_;
  std::vector<uv_timer_t> pending_;
};

}  // namespace

int main(int argc, char** argv) { return bench::MeasureLoop<Loop>(argc, argv); }
