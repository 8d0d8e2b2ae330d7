#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r23 {
// Cancels a request when its time is over. The request is over long before.
void Request(Duration limit) {
  auto cancel = std::make_shared<bool>(false);
  auto done = MakeChan<Unit>();
  Go([=] {
    const time::ScopedTimer timer(limit);
    if (Select({Recv(timer.C()), Recv(done)}) == 0) *cancel = true;
  });
  time::Sleep(5ms);
  done.Close();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Request(30s), time::Sleep(95ms);
  });
}
}  // namespace fixed::r23
