// libevent: deadline per request. Its variants:
// 0: right
// 1: never stopped
// 2: object leaked
// 3: one path
// 4: lazily deleted
#include <event2/event.h>

#include "load_libevent.h"

struct request {
  struct event *deadline, *answer;
  int number, deadline_id, answer_id, over;
};
static struct event_base* base;
static int number;

static void expired(evutil_socket_t, short, void* arg) {
  request* r = (request*)arg;
  T_end(r->deadline_id);
  event_free(r->deadline), T_free();
  delete r;
}
static void answered(evutil_socket_t, short, void* arg) {
  request* r = (request*)arg;
  T_end(r->answer_id);
  r->over = 1;
  event_free(r->answer), T_free();
  if (LEAKY == 1 || LEAKY == 4 || (LEAKY == 3 && r->number % 4 == 0)) return;
  evtimer_del(r->deadline), T_end(r->deadline_id);
  if (LEAKY == 2) return;
  event_free(r->deadline), T_free();
  delete r;
}
static void work(void) {
  request* r = new request();
  struct timeval limit = {LEAKY == 4 ? 0 : 40, LEAKY == 4 ? 650000 : 0}, soon = {0, 3000};
  r->number = number++;
  r->deadline = evtimer_new(base, expired, r);
  OBJECT;
  r->answer = evtimer_new(base, answered, r);
  OBJECT;
  r->deadline_id = ARM_LEAK(LEAKY && LEAKY != 2);
  evtimer_add(r->deadline, &limit);
  r->answer_id = ARM;
  evtimer_add(r->answer, &soon);
}
static void finish(void) {
  T_report();
  event_base_loopbreak(base);
}

int main(int argc, char** argv) {
  T_start(argc, argv, 500);
  base = event_base_new();
  load_start(base, 4, work, finish);
  event_base_dispatch(base);
  event_base_free(base);
}
