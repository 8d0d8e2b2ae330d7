/* One piece of work every `gap` seconds, on the default loop. */
#pragma once
#include <ev.h>

#include "truth.h"
static ev_timer load_timer;
static void (*load_work)(void);
static void (*load_finish)(void);
static void load_tick(struct ev_loop* loop, ev_timer* w, int revents) {
  (void)revents;
  int step = T_step();
  if (step > 0) load_work();
  if (step < 0) ev_timer_stop(loop, w), load_finish();
}
static inline void load_start(struct ev_loop* loop, double gap, void (*work)(void),
                              void (*finish)(void)) {
  load_work = work, load_finish = finish;
  ev_timer_init(&load_timer, load_tick, gap, gap);
  ev_timer_start(loop, &load_timer);
}
