// One piece of work every `gap` milliseconds, on the default main context.
#pragma once
#include <glib.h>

#include "truth.h"
static void (*load_work)(void);
static void (*load_finish)(void);
static gboolean load_tick(gpointer) {
  int step = T_step();
  if (step > 0) load_work();
  if (step < 0) load_finish();
  return step < 0 ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}
static inline void load_start(int gap, void (*work)(void), void (*finish)(void)) {
  load_work = work, load_finish = finish;
  g_timeout_add(gap, load_tick, NULL);
}
