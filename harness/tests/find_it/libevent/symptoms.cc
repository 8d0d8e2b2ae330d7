// A hundred requests, and what find_it.md says that shows then.
#include <event2/event.h>

#include <cstdio>

event* Ask(event_base* loop);
void Answered(event* limit);

int main() {
  event_base* const loop = event_base_new();
  for (int i = 0; i < 100; ++i) Answered(Ask(loop));
  const bool returns = event_base_loop(loop, EVLOOP_NONBLOCK) == 1;
  std::puts(returns ? "event_base_dispatch returns" : "event_base_dispatch does not return");
  event_base_dump_events(loop, stdout);
}
