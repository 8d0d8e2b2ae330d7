// posix: sigev thread watchdog per job. Its variants:
// 0: right
// 1: never stopped
// 2: object leaked
// 3: one path
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"

static void bark(union sigval v) { T_end(v.sival_int); }

static void job(int n) {
  timer_t dog;
  struct sigevent how = {};
  how.sigev_notify = SIGEV_THREAD, how.sigev_notify_function = bark;
  struct itimerspec limit = {{0, 0}, {20, 0}}, off = {};
  if (timer_create(CLOCK_MONOTONIC, &how, &dog)) exit(2);
  OBJECT;
  int id = ARM_LEAK(LEAKY && LEAKY != 2);
  timer_settime(dog, 0, &limit, NULL);
  usleep(400); /* the job */
  if (LEAKY == 1) return;
  if (LEAKY == 3 && n % 4 == 0) return; /* failed: early out */
  T_end(id);
  if (LEAKY == 2)
    timer_settime(dog, 0, &off, NULL);
  else
    timer_delete(dog), T_free();
}

int main(int argc, char** argv) {
  T_start(argc, argv, 350);
  for (int n = 0;; ++n) {
    usleep(5000);
    int step = T_step();
    if (step > 0) job(n);
    if (step < 0) break;
  }
  T_report();
  return 0;
}
