// Functions of the C library that both the census and virtual time stand in front of. The census is
// in front; these are behind it where the program is linked with afterleak::loops_time, and null
// where it is not.
#pragma once

#include <ctime>

#include "afterleak/version.h"

extern "C" {
[[gnu::weak]] int afterleak_virtual_timerfd_create(int clock, int flags);
[[gnu::weak]] int afterleak_virtual_timerfd_settime(int descriptor, int flags,
                                                    const itimerspec* value, itimerspec* old);
[[gnu::weak]] int afterleak_virtual_close(int descriptor);
[[gnu::weak]] int afterleak_virtual_timer_settime(timer_t timer, int flags, const itimerspec* value,
                                                  itimerspec* old);
}
