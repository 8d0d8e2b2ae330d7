#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r03 {
// Runs a command in a container, and looks every two seconds whether it has ended.
int Exec(Time ends) {
  int looks = 0;
  const time::ScopedTicker look(2s);
  while (time::Now() < ends) {
    look.C().Recv();
    ++looks;
  }
  return looks;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Exec(time::Now() + 1s);
  });
}
}  // namespace fixed::r03
