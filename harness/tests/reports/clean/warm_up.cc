#include "tests/reports/case.h"
using namespace cases;

namespace clean::warm_up {
// A pool that grows to forty workers in its first minute, and keeps them.
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto stop = MakeChan<Unit>();
    for (int workers = 0; More(); time::Sleep(1500ms)) {
      if (++workers > 40) continue;
      Go([stop] {
        const time::ScopedTicker look(10s);
        while (Select({Recv(look.C()), Recv(stop)}) == 0) continue;
      });
    }
    stop.Close();
  });
}
}  // namespace clean::warm_up
