#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r44 {
enum class Event { kSent, kReceived, kReceiveEnd, kSendEnd };
// Ends a span when the stream has ended. A client that only receives never ends its sending.
Chan<Event> Trace() {
  auto events = MakeChan<Event>();
  Go([events] {
    int ends = 0;
    while (ends < 2)
      if (*events.Recv() >= Event::kReceiveEnd) ++ends;  // LEAK
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
}  // namespace leaky::r44
