#include <gtest/gtest.h>
#include <uv.h>

uv_timer_t* Ask(uv_loop_t* loop);
void Answered(uv_timer_t* limit);

TEST(Client, EndsWithItsAnswer) {
  uv_loop_t* const loop = uv_default_loop();
  Answered(Ask(loop));
  uv_run(loop, UV_RUN_NOWAIT);
}
