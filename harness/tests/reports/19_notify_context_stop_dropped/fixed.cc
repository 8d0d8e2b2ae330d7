#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r19 {
int Command() {
  auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGTERM});
  Defer end(stop);
  const time::ScopedTimer work(100ms);
  return Select({Recv(work.C()), Recv(ctx.Done())});
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(400ms)) Command();
  });
}
}  // namespace fixed::r19
