// Sets the timer that drives the load, and stops others.
#pragma once
#include <sys/timerfd.h>

#include "truth.h"

static void load_set(int fd, long ms, long every_ms) {
  struct itimerspec s = {{every_ms / 1000, every_ms % 1000 * 1000000},
                         {ms / 1000, ms % 1000 * 1000000}};
  timerfd_settime(fd, 0, &s, NULL);
}
