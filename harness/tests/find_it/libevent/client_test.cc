#include <event2/event.h>
#include <gtest/gtest.h>

event* Ask(event_base* loop);
void Answered(event* limit);

TEST(Client, EndsWithItsAnswer) {
  static event_base* const loop = event_base_new();
  Answered(Ask(loop));
  event_base_loop(loop, EVLOOP_NONBLOCK);
}
