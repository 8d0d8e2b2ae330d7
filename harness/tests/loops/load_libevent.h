// One piece of work every `gap` milliseconds, on the program's own base.
#pragma once
#include <event2/event.h>

#include "truth.h"
static struct event* load_event;
static void (*load_work)(void);
static void (*load_finish)(void);
static void load_tick(evutil_socket_t fd, short what, void* arg) {
  (void)fd, (void)what, (void)arg;
  int step = T_step();
  if (step > 0) load_work();
  if (step < 0) event_free(load_event), load_finish();
}
static inline void load_start(struct event_base* base, int gap, void (*work)(void),
                              void (*finish)(void)) {
  struct timeval tv = {0, gap * 1000};
  load_work = work, load_finish = finish;
  load_event = event_new(base, -1, EV_PERSIST, load_tick, NULL);
  event_add(load_event, &tv);
}
