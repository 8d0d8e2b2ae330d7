#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r11 {
// Waits for a service to end, and says when that takes long.
bool StopAndWait(const RecvChan<Unit>& ended) {
  if (ended.IsNil()) return false;  // it was never started
  const time::ScopedTimer slow(30s);
  return Select({Recv(ended), Recv(slow.C())}) == 0;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(500ms)) StopAndWait({});
  });
}
}  // namespace fixed::r11
