#include "tests/reports/case.h"
using namespace cases;

namespace clean::sessions_with_signals {
// Each session listens to SIGTERM while it runs.
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(500ms)) {
      auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGTERM});
      Defer end(stop);
      const time::ScopedTimer length(300ms);
      Select({Recv(length.C()), Recv(ctx.Done())});
    }
  });
}
}  // namespace clean::sessions_with_signals
