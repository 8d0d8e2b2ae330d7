#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r11 {
// Waits for a service to end, and says when that takes long.
bool StopAndWait(const RecvChan<Unit>& ended) {
  const time::Timer slow = time::NewTimer(30s);  // LEAK
  if (ended.IsNil()) return false;               // it was never started
  const bool in_time = Select({Recv(ended), Recv(slow.C())}) == 0;
  slow.Stop();
  return in_time;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(500ms)) StopAndWait({});
  });
}
}  // namespace leaky::r11
