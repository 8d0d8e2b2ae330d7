#include "workshop/on_libuv.h"

namespace workshop {
namespace {

// What the loop has, until it has let go of the handle.
struct State {
  uv_timer_t timer{};
  std::function<void()> beat;
};

class Timed final : public Heartbeat {
 public:
  Timed(uv_loop_t* loop, Duration period, std::function<void()> beat)
      : state_(new State{.beat = std::move(beat)}) {
    uv_timer_init(loop, &state_->timer);
    state_->timer.data = state_;
    uv_timer_start(
        &state_->timer, [](uv_timer_t* timer) { static_cast<State*>(timer->data)->beat(); },
        Milliseconds(period), Milliseconds(period));
  }

  ~Timed() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&state_->timer),
             [](uv_handle_t* closed) { delete static_cast<State*>(closed->data); });
  }

 private:
  State* const state_;
};

}  // namespace

std::unique_ptr<Heartbeat> StartHeartbeat(uv_loop_t* loop, Duration period,
                                          std::function<void()> beat) {
  return std::make_unique<Timed>(loop, period, std::move(beat));
}

}  // namespace workshop
