// The ground truth of a small program about its own timers, to hold the census against. Its first
// argument is the variant; the comment of a program names them. The second is how many units of
// work it does: 1 if it is not there.
//
// The program arms in the line that follows ARM.
#pragma once
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void T_census();  // census.cc

#define LEAKY T_variant
#define SHAPE T_variant
#define ARM T_arm(__LINE__, 0)
#define ARM_LEAK(when) T_arm(__LINE__, (when))
#define OBJECT T_object()

enum { T_CAP = 1 << 18 };
static int T_variant;
static unsigned char T_pending[T_CAP];
static pthread_mutex_t T_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  int base, total, begun, armed, ended, objects, leak_line;
  double stopped_at;
} T;

static inline double T_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// A timer is armed.
static inline int T_arm(int line, int leaks_here) {
  pthread_mutex_lock(&T_mutex);
  int id = T.armed++ % T_CAP;
  T_pending[id] = 1;
  if (leaks_here) T.leak_line = line + 1;
  pthread_mutex_unlock(&T_mutex);
  return id;
}

// It is no longer pending: it fired, or was stopped, or was stopped and armed again.
static inline void T_end(int id) {
  pthread_mutex_lock(&T_mutex);
  if (id >= 0 && T_pending[id]) {
    T_pending[id] = 0;
    T.ended++;
  }
  pthread_mutex_unlock(&T_mutex);
}

// An object that somebody has to free was made, and was freed.
static inline void T_object(void) { __sync_fetch_and_add(&T.objects, 1); }
static inline void T_free(void) { __sync_fetch_and_sub(&T.objects, 1); }

static inline void T_start(int argc, char** argv, int base) {
  T_variant = argc > 1 ? atoi(argv[1]) : 0;
  T.base = base;  // pieces of work in a unit: what grows and shrinks does it once in each
  T.total = base * (argc > 2 ? atoi(argv[2]) : 1);
}

// On every tick of the load. 1: do one more piece of work; 0: the work is over, drain; -1: end now.
static inline int T_step(void) {
  if (T.begun < T.total) return T.begun++, 1;
  if (T.stopped_at == 0) T.stopped_at = T_now();
  return T_now() - T.stopped_at < 0.3 ? 0 : -1;
}

static inline void T_report(void) {
  printf("{\"line\": %d, \"armed\": %d, \"live\": %d, \"objects\": %d}\n", T.leak_line, T.armed,
         T.armed - T.ended, T.objects);
  fflush(stdout);
  T_census();
}
