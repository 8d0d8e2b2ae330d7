#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r12 {
// Runs a command and waits for it for a second at most.
bool Remove(Duration takes) {
  auto done = MakeChan<int>();
  Go([=] {
    time::Sleep(takes);
    done.Send(0);  // LEAK
  });
  const time::ScopedTimer limit(1s);
  return Select({Recv(done), Recv(limit.C())}) == 0;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Remove(200ms), Remove(1500ms);
  });
}
}  // namespace leaky::r12
