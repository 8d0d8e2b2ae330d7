// uv_close takes the handle out of the loop. The loop needs its memory until it calls back, so that
// is where it is freed, and the handle is no member of what is dropped.
#include "workshop/on_libuv.h"

namespace workshop {
namespace {

class Timed final : public Heartbeat {
 public:
  Timed(uv_loop_t* loop, Duration period, std::function<void()> beat) : beat_(std::move(beat)) {
    uv_timer_init(loop, timer_);
    timer_->data = this;
    uv_timer_start(timer_, OnTimer, Milliseconds(period), Milliseconds(period));
  }

  ~Timed() override {
    uv_close(reinterpret_cast<uv_handle_t*>(timer_),
             [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
  }

 private:
  static void OnTimer(uv_timer_t* timer) {
    const std::function<void()> beat = static_cast<Timed*>(timer->data)->beat_;
    beat();  // which may drop this
  }

  const std::function<void()> beat_;
  uv_timer_t* const timer_ = new uv_timer_t;
};

}  // namespace

std::unique_ptr<Heartbeat> StartHeartbeat(uv_loop_t* loop, Duration period,
                                          std::function<void()> beat) {
  return std::make_unique<Timed>(loop, period, std::move(beat));
}

}  // namespace workshop
