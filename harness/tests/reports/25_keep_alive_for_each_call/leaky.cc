#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r25 {
struct Lessor {
  Chan<Unit> closed = MakeChan<Unit>();
  // Keeps a lease alive until `ctx` is done or the client is closed.
  void KeepAlive(const context::Context& ctx) {
    Go([ctx, closed = closed] {
      Select({Recv(ctx.Done()), Recv(closed)});  // LEAK
    });
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto lessor = std::make_shared<Lessor>();  // open longer than the load
    for (; More(); time::Sleep(1s)) {
      lessor->KeepAlive(context::Background());
    }
  });
}
}  // namespace leaky::r25
