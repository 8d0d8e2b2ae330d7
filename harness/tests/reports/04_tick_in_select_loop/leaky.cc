#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r04 {
// Reads its settings when it is told to, and every half minute.
int Reload(const RecvChan<Unit>& asked) {
  int reloads = 0;
  for (bool open = true; open; ++reloads) {
    Select({Recv(asked, nullptr, &open), Recv(time::Tick(30s))});  // LEAK
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
}  // namespace leaky::r04
