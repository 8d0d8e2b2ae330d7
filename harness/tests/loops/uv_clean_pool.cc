// libuv: a pool of connections, clean. Its variants:
// 0: warm up then constant
// 1: grow then shrink
// 2: bursts
// 3: rearmed by again and start
#include <uv.h>

#include <deque>

#include "load_uv.h"

struct connection {
  uv_timer_t idle;
  int id;
};
static uv_loop_t* loop;
static std::deque<connection*> pool;
static size_t n;

static void freed(uv_handle_t* handle) { delete (connection*)handle->data; }
static void ping(uv_timer_t*) {}
static void start(connection* c) {
  c->id = ARM;
  uv_timer_start(&c->idle, ping, 60000, 60000);
}
static void open_one(void) {
  auto* c = new connection();
  c->idle.data = c;
  uv_timer_init(loop, &c->idle);
  OBJECT;
  start(c);
  pool.push_back(c);
}
static void close_one(void) {
  if (pool.empty()) return;
  connection* c = pool.front();
  pool.pop_front();
  uv_timer_stop(&c->idle), T_end(c->id);
  uv_close((uv_handle_t*)&c->idle, freed), T_free();
}
static void use(connection* c) {
  T_end(c->id);
  if (n % 2 == 0) return start(c);
  c->id = ARM;
  uv_timer_again(&c->idle);
}
static void work(void) {
  const auto base = (size_t)T.base;
  ++n;
  if (SHAPE == 0 && pool.size() < 300) open_one(), open_one();
  if (SHAPE == 1 && n % base < base / 2) open_one();
  if (SHAPE == 1 && n % base >= base / 2) close_one(), close_one();
  if (SHAPE == 2) {
    for (int i = 0; n % 120 == 60 && i < 200; ++i) open_one();
    close_one(), close_one();
  }
  if (SHAPE == 3 && pool.size() < 20) open_one();
  for (size_t i = 0; i < 3 && !pool.empty(); ++i) use(pool[(n * 7 + i) % pool.size()]);
}
static void finish(void) {
  T_report();
  uv_stop(loop);
}

int main(int argc, char** argv) {
  T_start(argc, argv, 500);
  loop = uv_default_loop();
  load_start(loop, 4, work, finish);
  uv_run(loop, UV_RUN_DEFAULT);
}
