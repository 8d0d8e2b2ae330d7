// timerfd: one timerfd per request. Its variants:
// 0: right
// 1: never stopped
// 2: object leaked
// 3: one path
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load_timerfd.h"

/* A loop by hand: epoll, a ticking timerfd for the load, a timerfd per request for its limit. */
static int ep, ids[1 << 16], number;

static int watch(int fd) {
  struct epoll_event e = {};
  e.events = EPOLLIN, e.data.fd = fd;
  return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}
static void request(void) {
  int n = number++;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  OBJECT;
  struct itimerspec limit = {{0, 0}, {30, 0}};
  watch(fd);
  ids[fd] = ARM_LEAK(LEAKY && LEAKY != 2);
  timerfd_settime(fd, 0, &limit, NULL);
  usleep(300); /* answered */
  if (LEAKY == 1 || (LEAKY == 3 && n % 2)) {
    epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL); /* no longer listened to, still running */
    return;
  }
  T_end(ids[fd]);
  if (LEAKY == 2) {
    load_set(fd, 0, 0);
    return;
  } /* disarmed, never closed */
  close(fd), T_free();
}

int main(int argc, char** argv) {
  struct rlimit lim;
  T_start(argc, argv, 400);
  getrlimit(RLIMIT_NOFILE, &lim);
  lim.rlim_cur = lim.rlim_max, setrlimit(RLIMIT_NOFILE, &lim);
  ep = epoll_create1(EPOLL_CLOEXEC);
  int tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  load_set(tick, 5, 5), watch(tick);
  for (;;) {
    struct epoll_event e[16];
    int got = epoll_wait(ep, e, 16, -1);
    for (int i = 0; i < got; ++i) {
      uint64_t times;
      if (read(e[i].data.fd, &times, sizeof times) != sizeof times || e[i].data.fd != tick)
        continue;
      int step = T_step();
      if (step > 0) request();
      if (step < 0) {
        T_report();
        return 0;
      }
    }
  }
}
