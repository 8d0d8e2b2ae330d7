#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r46 {
bool SendWithRetry(const context::Context& ctx) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const Duration pause = 20s * (1 << attempt);
    const time::ScopedTimer backoff(pause);
    if (Select({Recv(ctx.Done()), Recv(backoff.C())}) == 0) return false;
  }
  return true;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto [ctx, cancel] = context::WithTimeout(context::Background(), 500ms);
      Defer end(cancel);
      SendWithRetry(ctx);
    }
  });
}
}  // namespace fixed::r46
