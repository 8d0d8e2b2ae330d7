// One piece of work every `gap` milliseconds, on the program's own loop.
#pragma once
#include <uv.h>

#include "truth.h"
static uv_timer_t load_timer;
static void (*load_work)(void);
static void (*load_finish)(void);
static void load_tick(uv_timer_t* timer) {
  int step = T_step();
  if (step > 0) load_work();
  if (step >= 0) return;
  uv_timer_stop(timer);
  uv_close((uv_handle_t*)timer, nullptr);
  load_finish();
}
static inline void load_start(uv_loop_t* loop, int gap, void (*work)(void), void (*finish)(void)) {
  load_work = work, load_finish = finish;
  uv_timer_init(loop, &load_timer);
  uv_timer_start(&load_timer, load_tick, gap, gap);
}
