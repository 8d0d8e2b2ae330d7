#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r24 {
// Says when to look, until the time is over.
RecvChan<Unit> Poller(Duration interval, Duration timeout) {
  auto turns = MakeChan<Unit>(1);
  Go([=] {
    const time::ScopedTicker tick(interval);                                  // with it
    const time::ScopedTimer over(timeout);                                    // with it
    while (Select({Recv(tick.C()), Recv(over.C())}) == 0) turns.TrySend({});  // LEAK
    turns.Close();
  });
  return turns;
}
bool Poll(const std::function<bool()>& condition) {
  for ([[maybe_unused]] Unit turn : Poller(1s, 10min))
    if (condition()) return true;
  return false;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Poll([] { return true; });
  });
}
}  // namespace leaky::r24
