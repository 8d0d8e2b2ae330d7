#include "tests/reports/case.h"
using namespace cases;

namespace clean::late_first_timer {
// Nothing for most of the time, then the first timer of the program.
void Run(Bubble& bubble) {
  bubble.Go([] {
    const Duration length = stop_at - time::Now();
    time::Sleep(length * 3 / 4);
    const time::ScopedTicker report(1s);
    while (More()) report.C().Recv();
  });
}
}  // namespace clean::late_first_timer
