#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r03 {
// Runs a command in a container, and looks every two seconds whether it has ended.
int Exec(Time ends) {
  int looks = 0;
  const RecvChan<Time> look = time::Tick(2s);  // LEAK
  while (time::Now() < ends) {
    look.Recv();
    ++looks;
  }
  return looks;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Exec(time::Now() + 1s);
  });
}
}  // namespace leaky::r03
