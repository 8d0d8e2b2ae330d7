#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r42 {
struct Limiter {
  Chan<Unit> tokens = MakeChan<Unit>(1);
  context::CancelFunc stop;
};
std::unique_ptr<Limiter> NewLimiter(const context::Context& parent) {
  auto limiter = std::make_unique<Limiter>();
  auto [ctx, cancel] = context::WithCancel(parent);  // with it
  Go([tokens = limiter->tokens, ctx = ctx] {
    const time::ScopedTicker refill(1s);                                           // with it
    while (Select({Recv(refill.C()), Recv(ctx.Done())}) == 0) tokens.TrySend({});  // LEAK
  });
  return limiter;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto limiter = NewLimiter(context::Background());
      limiter->tokens.Recv();
    }
  });
}
}  // namespace leaky::r42
