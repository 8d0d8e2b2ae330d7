#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

int Ask(int epoll) {
  const int limit = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec span{{0, 0}, {30, 0}};
  timerfd_settime(limit, 0, &span, nullptr);
  epoll_event event{EPOLLIN, {.fd = limit}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, limit, &event);
  return limit;
}

void Answered(int epoll, int limit) { epoll_ctl(epoll, EPOLL_CTL_DEL, limit, nullptr); }
