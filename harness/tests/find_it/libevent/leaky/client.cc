#include <event2/event.h>

void TooLate(evutil_socket_t, short, void*) {}

event* Ask(event_base* loop) {
  const timeval span{30, 0};
  event* const limit = evtimer_new(loop, TooLate, nullptr);
  evtimer_add(limit, &span);
  return limit;
}

void Answered(event*) {}
