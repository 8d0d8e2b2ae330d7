// A program that names its units of work (afterleak/watch.h). A unit arms one time-out through a
// wrapper, which fires after 0.3 s; so what leaks is as many as a cache would have. Its variants:
// 0: right: the unit stops it
// 1: the unit forgets it
// 2: the same, and the units are not named
// 3: it is meant to outlive the unit
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "afterleak/watch.h"

static int loop = -1;

struct Clock {
  [[gnu::noinline]] static int After(int milliseconds);
};

int Clock::After(int milliseconds) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec limit = {{0, 0}, {0, milliseconds * 1'000'000L}};
  timerfd_settime(fd, 0, &limit, nullptr);
  epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
  return fd;
}

namespace {

// Waits for a millisecond, and closes what has fired.
void Turn() {
  epoll_event fired[16];
  const int count = epoll_wait(loop, fired, 16, 1);
  for (int i = 0; i < count; ++i) close(fired[i].data.fd);
}

void Handle(int variant) {
  const afterleak_work work = variant == 2 ? 0 : afterleak_work_begin();
  const afterleak_work before = variant == 3 ? afterleak_work_switch(0) : work;
  const int fd = Clock::After(300);
  const int line = __LINE__ - 1;
  if (variant == 3) afterleak_work_switch(before);
  if (variant == 0) close(fd);
  afterleak_work_end(work);
  static bool said = false;
  if (!said) printf("%d\n", line);
  fflush(stdout);
  said = true;
}

}  // namespace

int main(int, char** argv) {
  loop = epoll_create1(EPOLL_CLOEXEC);
  afterleak_wrapper("Clock::After");
  for (int i = 0; i < 500; ++i) {
    Handle(atoi(argv[1]));
    Turn();
  }
  _exit(0);
}
