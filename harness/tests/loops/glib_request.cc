// glib: deadline per request. Its variants:
// 0: right
// 1: never stopped
// 2: one path
// 3: stopped too late
// 4: lazily deleted
#include <deque>

#include "load_glib.h"

struct Request {
  guint deadline;
  int id, answer_id, number;
  bool over;
};
static GMainLoop* loop;
static std::deque<Request*> log_queue;  // v3: requests wait here to be logged
static int number;

static gboolean expired(gpointer p) {
  auto* r = (Request*)p;
  T_end(r->id);
  delete r;
  return G_SOURCE_REMOVE;
}
static void dispose(Request* r) {
  g_source_remove(r->deadline), T_end(r->id);
  delete r;
}
static gboolean answered(gpointer p) {
  auto* r = (Request*)p;
  T_end(r->answer_id);
  r->over = true;
  if (LEAKY == 1 || LEAKY == 4 || (LEAKY == 2 && r->number % 3 == 0)) return G_SOURCE_REMOVE;
  if (LEAKY != 3) return dispose(r), G_SOURCE_REMOVE;
  log_queue.push_back(r);
  if (log_queue.size() < 100) return G_SOURCE_REMOVE;
  for (Request* q : log_queue) dispose(q);
  log_queue.clear();
  return G_SOURCE_REMOVE;
}
static void work(void) {
  auto* r = new Request();
  r->number = number++;
  r->id = ARM_LEAK(LEAKY);
  r->deadline = g_timeout_add(LEAKY == 4 ? 600 : 30000, expired, r);
  r->answer_id = ARM;
  g_timeout_add(3, answered, r);
}
static void finish(void) {
  T_report();
  g_main_loop_quit(loop);
}

int main(int argc, char** argv) {
  T_start(argc, argv, 480);
  loop = g_main_loop_new(NULL, FALSE);
  load_start(4, work, finish);
  g_main_loop_run(loop);
  g_main_loop_unref(loop);
}
