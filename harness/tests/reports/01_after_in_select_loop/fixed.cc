#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r01 {
// Takes over what changes, and gives up after half a minute without a change.
int Watch(const RecvChan<int>& changes) {
  int seen = 0;
  const time::ScopedTimer idle(30s);
  for (bool open = true; open;) {
    switch (Select({Recv(changes, nullptr, &open), Recv(idle.C())})) {
      case 0:
        ++seen;
        if (!idle.Stop()) idle.C().TryRecv();
        idle.Reset(30s);
        break;
      default:
        return seen;
    }
  }
  return seen;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto changes = MakeChan<int>();
    Go([changes] { Watch(changes); });
    for (; More(); time::Sleep(100ms)) changes.Send(1);
    changes.Close();
  });
}
}  // namespace fixed::r01
