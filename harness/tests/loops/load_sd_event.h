// One piece of work every `gap` microseconds, on the program's own loop.
#pragma once
#include <systemd/sd-event.h>

#include "truth.h"
static void (*load_work)(void);
static void (*load_finish)(void);
static uint64_t load_gap;
static int load_tick(sd_event_source* source, uint64_t, void*) {
  int step = T_step();
  if (step > 0) load_work();
  if (step < 0) return load_finish(), 0;
  sd_event_source_set_time_relative(source, load_gap);
  return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}
static inline void load_start(sd_event* event, uint64_t gap, void (*work)(void),
                              void (*finish)(void)) {
  load_work = work, load_finish = finish, load_gap = gap;
  static sd_event_source* load;
  sd_event_add_time_relative(event, &load, CLOCK_MONOTONIC, gap, 100, load_tick, nullptr);
}
