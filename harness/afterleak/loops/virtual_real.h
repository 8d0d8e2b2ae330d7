// The C library's functions behind ours, in a process in virtual time.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "afterleak/version.h"

// All that is stood in front of: what tells time, what waits, and what makes, wakes and signals
// threads. syscall is not here: what is behind it is the kernel.

// clang-format off
#define AFTERLEAK_VIRTUAL_FUNCTIONS(X) \
  X(clock_gettime) X(gettimeofday) X(time) \
  X(timespec_get) X(epoll_wait) X(epoll_pwait) \
  X(epoll_pwait2) X(poll) X(ppoll) \
  X(select) X(pselect) X(nanosleep) \
  X(clock_nanosleep) X(usleep) X(sleep) \
  X(pthread_cond_wait) X(pthread_cond_timedwait) X(pthread_cond_clockwait) \
  X(pthread_cond_signal) X(pthread_cond_broadcast) X(pthread_create) \
  X(pthread_join) X(timerfd_create) X(timerfd_settime) \
  X(timerfd_gettime) X(close) X(kill) \
  X(raise) X(pthread_kill) X(sigqueue) \
  X(read) X(readv) X(recv) \
  X(recvfrom) X(recvmsg) X(accept) \
  X(accept4)
// clang-format on

namespace afterleak::loops::internal {

struct RealFunctions {
#define AFTERLEAK_FIELD(name) decltype(&::name) name;  // NOLINT: a name and no expression
  AFTERLEAK_VIRTUAL_FUNCTIONS(AFTERLEAK_FIELD)
#undef AFTERLEAK_FIELD
};

// Looked up once, before main. Under a sanitizer they are the sanitizer's.
const RealFunctions& Real();

// clock_gettime; the kernel's until the look-up is done. A look-up allocates, and the allocators of
// LeakSanitizer and heaptrack ask for the time, also before they can be used themselves.
int RealClock(clockid_t clock, timespec* now);

// Of the real monotonic clock.
std::int64_t RealNanoseconds();

// A system call, as the C library's syscall makes it.
long SystemCall(long number, const long (&argument)[6]);

// Brings virtual_read.cc along, whose functions the linker takes from a sanitizer that comes first.
void BringReads();

// The name of a function that the process does not get from us; null if it gets all of them.
const char* NotInFront();

}  // namespace afterleak::loops::internal
