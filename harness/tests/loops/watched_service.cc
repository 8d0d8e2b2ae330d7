// A service for the tests of what `afterleak watch` writes while a program runs: every millisecond
// it does a piece of work with a time limit, until it is told to end. If its argument is "leaky",
// each fiftieth forgets to stop its limit, and a session begins every 50 ms that never ends.
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace {

int Limit(int fd) {
  const itimerspec limit = {{0, 0}, {1000, 0}};
  return timerfd_settime(fd, 0, &limit, nullptr);
}

void Work(bool forgets) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  Limit(fd);
  if (!forgets) close(fd);
}

void Session() {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec limit = {{0, 0}, {2000, 0}};
  timerfd_settime(fd, 0, &limit, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const bool leaky = argc > 1 && strcmp(argv[1], "leaky") == 0;
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Session();  // one that is meant to stay
  for (int i = 1;; ++i) {
    Work(leaky && i % 50 == 0);
    if (leaky && i % 50 == 25) Session();
    usleep(1000);
  }
}
