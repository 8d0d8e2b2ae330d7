#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r19 {
int Command() {
  auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGTERM});  // LEAK
  const time::ScopedTimer work(100ms);
  return Select({Recv(work.C()), Recv(ctx.Done())});
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(400ms)) Command();
  });
}
}  // namespace leaky::r19
