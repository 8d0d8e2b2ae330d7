// glib: network client. Its variants:
// 0: constant concurrency
// 1: backoff that fires
// 2: ready time moved not rearmed
// 3: bursts
#include <deque>

#include "load_glib.h"

static GMainLoop* loop;
struct Conn {
  GSource* source;
  int id;
};
static std::deque<Conn> conns;
static int n;

static gboolean timed_out(gpointer) { return G_SOURCE_REMOVE; }
static void open_conn(void) {
  Conn c;
  c.source = g_timeout_source_new(45000);
  OBJECT;
  g_source_set_callback(c.source, timed_out, NULL, NULL);
  c.id = ARM;
  g_source_attach(c.source, NULL);
  conns.push_back(c);
}
static void close_conn(void) {
  if (conns.empty()) return;
  Conn c = conns.front();
  conns.pop_front();
  g_source_destroy(c.source), T_end(c.id);
  g_source_unref(c.source), T_free();
}
struct Retry {
  int id, tries;
};
static gboolean retry(gpointer p) {
  auto* r = (Retry*)p;
  T_end(r->id);
  if (++r->tries == 4) return delete r, G_SOURCE_REMOVE;
  r->id = ARM;
  g_timeout_add(15u << r->tries, retry, r);
  return G_SOURCE_REMOVE;
}
static void work(void) {
  ++n;
  if (SHAPE == 0) {
    open_conn();
    if (conns.size() > 80) close_conn();
  }
  if (SHAPE == 1) {
    auto* r = new Retry{-1, 0};
    r->id = ARM;
    g_timeout_add(15, retry, r);
  }
  if (SHAPE == 2) {  // an activity moves the deadline of the same source
    if (conns.size() < 60) open_conn();
    g_source_set_ready_time(conns[n % conns.size()].source,
                            g_get_monotonic_time() + 45 * G_USEC_PER_SEC);
  }
  if (SHAPE == 3) {
    if (n % 100 == 20)
      for (int i = 0; i < 250; ++i) open_conn();
    for (int i = 0; i < 4; ++i) close_conn();
  }
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
}
