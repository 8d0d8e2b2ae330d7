#include "workshop/virtual_loop.h"

#include "afterleak/heap/heap.h"

namespace workshop {

VirtualLoop::VirtualLoop() : loop_(new uv_loop_t) {
  uv_loop_init(loop_);
  uv_async_init(loop_, &stop_, [](uv_async_t* stop) { uv_stop(stop->loop); });
}

VirtualLoop::~VirtualLoop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
  uv_run(loop_, UV_RUN_NOWAIT);
  if (uv_loop_close(loop_) == 0) delete loop_;
}

void VirtualLoop::RunFor(afterleak::Duration span) {
  {
    const afterleak::heap::Scope::Suspend suspend;
    bubble_.At(bubble_.Now() + span, [this] { uv_async_send(&stop_); });
  }
  uv_run(loop_, UV_RUN_DEFAULT);
}

}  // namespace workshop
