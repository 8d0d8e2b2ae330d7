#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r44 {
enum class Event { kSent, kReceived, kReceiveEnd, kSendEnd };
// Ends a span when the stream has ended. A client that only receives never ends its sending.
Chan<Event> Trace() {
  auto events = MakeChan<Event>();
  Go([events] {
    while (*events.Recv() < Event::kReceiveEnd) continue;
  });
  return events;
}
void Download() {
  const auto events = Trace();
  for (int message = 0; message < 3; ++message) events.Send(Event::kReceived);
  events.Send(Event::kReceiveEnd);
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(1s)) Download();
  });
}
}  // namespace fixed::r44
