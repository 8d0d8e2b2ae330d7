// sd-event: a time source per method call. Its variants:
// 0: right
// 1: never stopped
// 2: object leaked
// 3: overwritten
#include <systemd/sd-event.h>

#include "load_sd_event.h"

static sd_event* event;
static sd_event_source* slots[15];
static int ids[15], n;

static int expired(sd_event_source*, uint64_t, void*) { return 0; }
static void call_begins(int i) {
  // Variant 1: a floating source, which belongs to the loop.
  sd_event_source** out = LEAKY == 1 ? nullptr : &slots[i];
  OBJECT;
  ids[i] = ARM_LEAK(LEAKY && LEAKY != 2);
  sd_event_add_time_relative(event, out, CLOCK_MONOTONIC, 25 * 1000000ull, 0, expired, nullptr);
}
static void call_ends(int i) {
  if (LEAKY == 1) return;
  sd_event_source_set_enabled(slots[i], SD_EVENT_OFF), T_end(ids[i]);
  if (LEAKY == 2) return;  // off, and never given back
  slots[i] = sd_event_source_unref(slots[i]), T_free();
}
static void work(void) {
  int i = n % 15;
  if (n >= 15) call_ends(i);
  call_begins(i);
  if (n++ % 4 != 2) return;  // or the caller asks again with the same serial
  if (LEAKY != 3) call_ends(i);
  call_begins(i);
}
static void finish(void) {
  T_report();
  sd_event_exit(event, 0);
}

int main(int argc, char** argv) {
  T_start(argc, argv, 320);
  sd_event_default(&event);
  load_start(event, 6000, work, finish);
  return sd_event_loop(event);
}
