#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r21 {
int Reconcile(const context::Context& ctx) { return ctx.Err() == context::Error::kNone ? 1 : 0; }
void Monitor() {
  std::vector<context::CancelFunc> deferred;  // Go's defer waits for the end of the function
  Defer end([&] {
    for (const auto& cancel : deferred) cancel();
  });
  for (; More(); time::Sleep(500ms)) {
    auto [ctx, cancel] = context::WithTimeout(context::Background(), 10min);  // LEAK
    deferred.push_back(cancel);
    Reconcile(ctx);
  }
}
void Run(Bubble& bubble) { bubble.Go(Monitor); }
}  // namespace leaky::r21
