#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r23 {
// Cancels a request when its time is over. The request is over long before.
void Request(Duration limit) {
  auto cancel = std::make_shared<bool>(false);
  Go([=] {
    const time::ScopedTimer timer(limit);  // LEAK: held, with its goroutine, until the deadline
    timer.C().Recv();                      // with it
    *cancel = true;
  });
  time::Sleep(5ms);
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Request(30s), time::Sleep(95ms);
  });
}
}  // namespace leaky::r23
