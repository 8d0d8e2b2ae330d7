// A hundred requests, and what find_it.md says that shows then.
#include <uv.h>

#include <cstdio>

uv_timer_t* Ask(uv_loop_t* loop);
void Answered(uv_timer_t* limit);

int main() {
  uv_loop_t* const loop = uv_default_loop();
  for (int i = 0; i < 100; ++i) Answered(Ask(loop));
  std::puts(uv_run(loop, UV_RUN_NOWAIT) == 0 ? "uv_run returns" : "uv_run does not return");
  uv_print_all_handles(loop, stdout);
  std::printf("uv_loop_close: %s\n", uv_loop_close(loop) == UV_EBUSY ? "UV_EBUSY" : "0");
}
