#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r38 {
// Removes what has expired. It is told when something was put in, and then looks again
// how long to wait.
int Expire(const RecvChan<Unit>& put) {
  int expired = 0;
  const time::ScopedTimer next(1h);
  for (bool open = true; open;) {
    if (!next.Stop()) next.C().TryRecv();
    next.Reset(1h);
    if (Select({Recv(put, nullptr, &open), Recv(next.C())}) == 1) ++expired;
  }
  return expired;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto put = MakeChan<Unit>();
    Go([put] { Expire(put); });
    for (; More(); time::Sleep(200ms)) put.Send({});
    put.Close();
  });
}
}  // namespace fixed::r38
