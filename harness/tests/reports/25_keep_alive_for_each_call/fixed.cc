#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r25 {
struct Lessor {
  Chan<Unit> closed = MakeChan<Unit>();
  // Keeps a lease alive until `ctx` is done or the client is closed.
  void KeepAlive(const context::Context& ctx) {
    Go([ctx, closed = closed] { Select({Recv(ctx.Done()), Recv(closed)}); });
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto lessor = std::make_shared<Lessor>();  // open longer than the load
    for (; More(); time::Sleep(1s)) {
      auto [ctx, cancel] = context::WithCancel(context::Background());
      lessor->KeepAlive(ctx);
      cancel();
    }
  });
}
}  // namespace fixed::r25
