#include "tests/reports/case.h"
using namespace cases;

namespace clean::rare_phase {
// A report each 45 s, which takes up to 2 s and has a time limit.
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int second = 1; More(); ++second, time::Sleep(1s)) {
      if (second % 45 != 0) continue;
      const time::ScopedTimer limit(5s);
      auto done = MakeChan<Unit>(1);
      Go([done] { time::Sleep(2s), done.Send({}); });
      Select({Recv(done), Recv(limit.C())});
    }
  });
}
}  // namespace clean::rare_phase
