#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r21 {
int Reconcile(const context::Context& ctx) { return ctx.Err() == context::Error::kNone ? 1 : 0; }
void Monitor() {
  for (; More(); time::Sleep(500ms)) {
    auto [ctx, cancel] = context::WithTimeout(context::Background(), 10min);
    Defer end(cancel);
    Reconcile(ctx);
  }
}
void Run(Bubble& bubble) { bubble.Go(Monitor); }
}  // namespace fixed::r21
