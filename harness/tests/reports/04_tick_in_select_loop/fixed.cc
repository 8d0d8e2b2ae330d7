#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r04 {
// Reads its settings when it is told to, and every half minute.
int Reload(const RecvChan<Unit>& asked) {
  int reloads = 0;
  const time::ScopedTicker interval(30s);
  for (bool open = true; open; ++reloads) {
    Select({Recv(asked, nullptr, &open), Recv(interval.C())});
  }
  return reloads;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto asked = MakeChan<Unit>();
    Go([asked] { Reload(asked); });
    for (; More(); time::Sleep(500ms)) asked.Send({});
    asked.Close();
  });
}
}  // namespace fixed::r04
