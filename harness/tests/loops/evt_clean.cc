// libevent: clean but busy. Its variants:
// 0: large constant number
// 1: grow then shrink
// 2: bursts that fire
// 3: wanted reminders grow
// 4: rearmed without delete
#include <event2/event.h>

#include <deque>

#include "load_libevent.h"

struct item {
  struct event* ev;
  int id;
};
static event_base* base;
static std::deque<item*> items;
static int n;

static void fired(evutil_socket_t, short, void* arg) {
  auto* it = (item*)arg;
  T_end(it->id);
  if (SHAPE != 2) return;
  event_free(it->ev), T_free();
  delete it;
}
static void arm(item* it, int ms) {
  timeval in = {ms / 1000, ms % 1000 * 1000};
  it->id = ARM;
  event_add(it->ev, &in);
}
static item* add(int ms) {
  auto* it = new item();
  it->ev = evtimer_new(base, fired, it);
  OBJECT;
  arm(it, ms);
  return it;
}
static void drop(void) {
  if (items.empty()) return;
  item* it = items.front();
  items.pop_front();
  event_free(it->ev), T_end(it->id), T_free();
  delete it;
}
static void work(void) {
  ++n;
  if (SHAPE == 0 && n == 1)
    for (int i = 0; i < 5000; ++i) items.push_back(add(60000 + i));
  if (SHAPE == 1 && n % T.base < T.base * 2 / 3) items.push_back(add(90000));
  if (SHAPE == 1 && n % T.base >= T.base * 2 / 3) drop(), drop(), drop();
  if (SHAPE == 2 && n % 80 == 0)
    for (int i = 0; i < 400; ++i) add(50 + i % 200);
  if (SHAPE == 3 && n % 4 == 0) items.push_back(add(24 * 3600 * 1000));
  if (SHAPE == 4) {
    if (items.size() < 50) items.push_back(add(45000));
    for (size_t i = n % 3; i < items.size(); i += 3) T_end(items[i]->id), arm(items[i], 45000);
  }
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
}
