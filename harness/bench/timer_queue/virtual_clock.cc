// Replaces the C library's clocks in the whole program: the libraries being measured, and libstdc++
// under std::chrono, call these functions through the dynamic linker and find ours. The clocks of
// processor time stay the machine's, because Google Benchmark measures with them.
#include "bench/timer_queue/virtual_clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace bench {
namespace {

constexpr std::chrono::nanoseconds kWallClockAhead = std::chrono::hours(24 * 365 * 50);

timespec ToTimespec(std::chrono::nanoseconds time) {
  return {.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
}

}  // namespace
}  // namespace bench

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  switch (clock) {
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      *time = bench::ToTimespec(bench::virtual_now + bench::kWallClockAhead);
      return 0;
    default:
      *time = bench::ToTimespec(bench::virtual_now);
      return 0;
  }
}

int gettimeofday(timeval* time, void*) noexcept {
  const timespec now = bench::ToTimespec(bench::virtual_now + bench::kWallClockAhead);
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

// The kernel's timers keep the kernel's time. With them refused, Asio looks at its queue
// in every turn.
int timerfd_create(int, int) noexcept {
  errno = ENOSYS;
  return -1;
}

}  // extern "C"
