#include <csignal>
#include <ctime>

timer_t Ask() {
  sigevent at_the_end{};
  at_the_end.sigev_signo = SIGALRM;
  timer_t limit;
  timer_create(CLOCK_MONOTONIC, &at_the_end, &limit);
  const itimerspec span{{0, 0}, {30, 0}};
  timer_settime(limit, 0, &span, nullptr);
  return limit;
}

void Answered(timer_t) {}
