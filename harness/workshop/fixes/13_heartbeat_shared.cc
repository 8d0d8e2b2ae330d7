#include "workshop/on_libuv.h"

namespace workshop {
namespace {

struct Handle {
  uv_timer_t timer{};
  std::function<void()> beat;
  std::shared_ptr<Handle> self;  // until it is closed
};

class Timed final : public Heartbeat {
 public:
  explicit Timed(std::weak_ptr<Handle> handle) : handle_(std::move(handle)) {}
  ~Timed() override {
    const auto handle = handle_.lock();
    handle->beat = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->timer), [](uv_handle_t* closed) {
      const auto last = std::move(static_cast<Handle*>(closed->data)->self);
    });
  }

 private:
  const std::weak_ptr<Handle> handle_;
};

}  // namespace

std::unique_ptr<Heartbeat> StartHeartbeat(uv_loop_t* loop, Duration period,
                                          std::function<void()> beat) {
  const auto handle = std::make_shared<Handle>();
  handle->self = handle;
  handle->beat = std::move(beat);
  uv_timer_init(loop, &handle->timer);
  handle->timer.data = handle.get();
  uv_timer_start(
      &handle->timer,
      [](uv_timer_t* timer) {
        const auto kept = static_cast<Handle*>(timer->data)->beat;
        kept();
      },
      Milliseconds(period), Milliseconds(period));
  return std::make_unique<Timed>(handle);
}

}  // namespace workshop
