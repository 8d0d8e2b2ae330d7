// One piece of work every `gap` milliseconds, on the program's own base.
#pragma once
#include <event2/event.h>

#include "truth.h"
static struct event* load_event;
static void (*load_work)(void);
static void (*load_finish)(void);
static void load_over(evutil_socket_t, short, void* arg) {
  event_free((struct event*)arg);
  load_finish();
}
static void load_tick(evutil_socket_t, short, void* arg) {
  int step = T_step();
  if (step > 0) load_work();
  if (step >= 0) return;
  event_free(load_event);
  // Timers that are due at the same time have left libevent's heap, and some callbacks, where the
  // program counts, come after this one. Nothing else is active in the turn of the last priority.
  struct event* over = event_new((struct event_base*)arg, -1, 0, load_over, event_self_cbarg());
  event_priority_set(over, 2);
  event_active(over, 0, 0);
}
static inline void load_start(struct event_base* base, int gap, void (*work)(void),
                              void (*finish)(void)) {
  struct timeval tv = {0, gap * 1000};
  load_work = work, load_finish = finish;
  event_base_priority_init(base, 3);  // events have the middle one, unless they say otherwise
  load_event = event_new(base, -1, EV_PERSIST, load_tick, base);
  event_add(load_event, &tv);
}
