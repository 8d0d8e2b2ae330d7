#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r41 {
struct Resolver {
  Chan<int> updates = MakeChan<int>();
  Chan<Unit> closed = MakeChan<Unit>();
  int known = 0;
};
std::shared_ptr<Resolver> Build() {
  auto resolver = std::make_shared<Resolver>();
  Go([resolver] {
    while (Select({Recv(resolver->updates, &resolver->known)}) == 0) continue;  // LEAK
  });
  return resolver;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto resolver = Build();
      resolver->updates.Send(3);
      time::Sleep(1s);
      resolver->closed.Close();
    }
  });
}
}  // namespace leaky::r41
