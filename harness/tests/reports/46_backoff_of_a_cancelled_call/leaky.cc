#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r46 {
bool SendWithRetry(const context::Context& ctx) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const Duration pause = 20s * (1 << attempt);
    if (Select({Recv(ctx.Done()), Recv(time::After(pause))}) == 0) return false;  // LEAK
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
}  // namespace leaky::r46
