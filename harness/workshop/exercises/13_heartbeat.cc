// The loop that cannot be closed
//
// A server on libuv sends each of its clients a heartbeat, until the client goes. A timer for each
// does it, which is stopped when the heartbeat is dropped. The number of active timers is that of
// the clients, day after day.
//
// And still the process grows a little with every client that comes and goes. When the server shuts
// down, uv_loop_close says UV_EBUSY, though nothing runs any more. Its author has given up on that,
// and calls exit.
//
// uv_timer_stop ends the waiting. The handle stays where uv_timer_init has put it: in the loop.
//
// The promise:
//   StartHeartbeat calls `beat` after each `period`, until the Heartbeat that it returns is
//   dropped: that may happen in `beat`, and at the very instant of the next one. From then on
//   nothing of it happens, and `beat` is let go. When the loop has run once more, nothing of it is
//   in the loop.
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

  ~Timed() override { uv_timer_stop(timer_); }

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
