// libuv: deadline per request. Its variants:
// 0: right
// 1: never stopped
// 2: object leaked
// 3: one path
// 4: lazily deleted
#include <uv.h>

#include "load_uv.h"

struct request {
  uv_timer_t deadline, answer;
  int number, deadline_id, answer_id, open, over;
};
static uv_loop_t* loop;
static int number;

static void closed(uv_handle_t* handle) {
  auto* r = (request*)handle->data;
  if (--r->open == 0) delete r;
}
static void give_back(uv_timer_t* timer) { uv_close((uv_handle_t*)timer, closed), T_free(); }
static void expired(uv_timer_t* timer) {
  auto* r = (request*)timer->data;
  T_end(r->deadline_id);
  give_back(timer);
}
static void answered(uv_timer_t* timer) {
  auto* r = (request*)timer->data;
  T_end(r->answer_id);
  r->over = 1;
  give_back(timer);
  if (LEAKY == 1 || LEAKY == 4 || (LEAKY == 3 && r->number % 3 == 0)) return;
  uv_timer_stop(&r->deadline);
  T_end(r->deadline_id);
  if (LEAKY != 2) give_back(&r->deadline);
}
static void work(void) {
  auto* r = new request();
  r->number = number++, r->open = 2;
  r->deadline.data = r->answer.data = r;
  uv_timer_init(loop, &r->deadline);
  OBJECT;
  uv_timer_init(loop, &r->answer);
  OBJECT;
  r->deadline_id = ARM_LEAK(LEAKY && LEAKY != 2);
  uv_timer_start(&r->deadline, expired, LEAKY == 4 ? 700 : 30000, 0);
  r->answer_id = ARM;
  uv_timer_start(&r->answer, answered, 3, 0);
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
