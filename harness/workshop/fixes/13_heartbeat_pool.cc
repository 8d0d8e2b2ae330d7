#include <vector>

#include "workshop/on_libuv.h"

namespace workshop {
namespace {

std::vector<uv_timer_t*> pool;  // stopped, and to be used again

uv_timer_t* Take(uv_loop_t* loop) {
  for (auto timer = pool.begin(); timer != pool.end(); ++timer) {
    if ((*timer)->loop != loop) continue;
    uv_timer_t* const found = *timer;
    pool.erase(timer);
    return found;
  }
  auto* const timer = new uv_timer_t;
  uv_timer_init(loop, timer);
  return timer;
}

class Timed final : public Heartbeat {
 public:
  Timed(uv_loop_t* loop, Duration period, std::function<void()> beat)
      : beat_(std::move(beat)), timer_(Take(loop)) {
    timer_->data = this;
    uv_timer_start(timer_, OnTimer, Milliseconds(period), Milliseconds(period));
  }

  ~Timed() override {
    uv_timer_stop(timer_);
    pool.push_back(timer_);
  }

 private:
  static void OnTimer(uv_timer_t* timer) {
    const std::function<void()> beat = static_cast<Timed*>(timer->data)->beat_;
    beat();
  }

  const std::function<void()> beat_;
  uv_timer_t* const timer_;
};

}  // namespace

std::unique_ptr<Heartbeat> StartHeartbeat(uv_loop_t* loop, Duration period,
                                          std::function<void()> beat) {
  return std::make_unique<Timed>(loop, period, std::move(beat));
}

}  // namespace workshop
