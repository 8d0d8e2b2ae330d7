#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r24 {
// Says when to look, until the time is over.
RecvChan<Unit> Poller(Duration interval, Duration timeout, RecvChan<Unit> stop) {
  auto turns = MakeChan<Unit>(1);
  Go([=] {
    const time::ScopedTicker tick(interval);
    const time::ScopedTimer over(timeout);
    while (Select({Recv(tick.C()), Recv(over.C()), Recv(stop)}) == 0) turns.TrySend({});
    turns.Close();
  });
  return turns;
}
bool Poll(const std::function<bool()>& condition) {
  auto stop = MakeChan<Unit>();
  Defer end([&] { stop.Close(); });
  for ([[maybe_unused]] Unit turn : Poller(1s, 10min, stop))
    if (condition()) return true;
  return false;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Poll([] { return true; });
  });
}
}  // namespace fixed::r24
