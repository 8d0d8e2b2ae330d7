#include "tests/reports/case.h"
using namespace cases;

namespace clean::bursts {
// A hundred calls at once, each with a time limit, every 13.1 s: a peak that some windows see and
// others do not.
void Call() {
  const time::ScopedTimer limit(5s);
  const time::ScopedTimer work(300ms);
  Select({Recv(work.C()), Recv(limit.C())});
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int tick = 0; More(); ++tick, time::Sleep(100ms))
      for (int call = 0; call < (tick % 131 == 0 ? 100 : 0); ++call) Go(Call);
  });
}
}  // namespace clean::bursts
