// libev: connection timeouts. Its variants:
// 0: right
// 1: closed not stopped
// 2: rearmed after close
// 3: one path
#include <string.h>

#include "load_ev.h"

// Slots of a fixed table. A slot that is given up while its watcher is active is set aside.
struct conn {
  ev_timer idle;
  int id, number;
};
static struct ev_loop* loop;
static struct conn* table[24];
static int n;

static void idle_over(struct ev_loop* l, ev_timer* w, int revents) {
  (void)l, (void)revents;
  T_end(((struct conn*)w->data)->id);
}
static void touch(struct conn* c) {
  T_end(c->id);
  c->id = ARM_LEAK(LEAKY == 2);
  ev_timer_again(loop, &c->idle);
}
static void close_conn(struct conn* c) {
  if (LEAKY == 1 || (LEAKY == 3 && c->number % 3 == 0)) return;
  ev_timer_stop(loop, &c->idle), T_end(c->id);
  if (LEAKY == 2) {
    touch(c);
    return;
  } /* the last write's completion comes after the close */
  free(c), T_free();
}
static void work(void) {
  struct conn** slot = &table[n % 24];
  if (*slot) close_conn(*slot);
  conn* c = *slot = static_cast<conn*>(calloc(1, sizeof **slot));
  OBJECT;
  c->number = n++;
  ev_timer_init(&c->idle, idle_over, 60., 60.);
  c->idle.data = c;
  c->id = ARM_LEAK(LEAKY == 1 || LEAKY == 3);
  ev_timer_start(loop, &c->idle);
  if (table[n * 5 % 24]) touch(table[n * 5 % 24]);
}
static void finish(void) {
  T_report();
  ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char** argv) {
  T_start(argc, argv, 350);
  loop = ev_default_loop(0);
  load_start(loop, 0.006, work, finish);
  ev_run(loop, 0);
  return 0;
}
