#include <event2/event.h>

event* Ask(event_base* loop) {
  const timeval span{30, 0};
  event* const limit = evtimer_new(loop, [](auto...) { /* too late */ }, nullptr);
  evtimer_add(limit, &span);
  return limit;
}

void Answered(event* limit) { event_free(limit); }
