#include <uv.h>

void Close(uv_timer_t* limit) {
  uv_close(reinterpret_cast<uv_handle_t*>(limit),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
}

uv_timer_t* Ask(uv_loop_t* loop) {
  auto* const limit = new uv_timer_t;
  uv_timer_init(loop, limit);
  uv_timer_start(limit, Close, 30'000, 0);
  return limit;
}

void Answered(uv_timer_t* limit) { Close(limit); }
