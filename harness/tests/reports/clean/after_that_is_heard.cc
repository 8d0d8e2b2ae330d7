#include "tests/reports/case.h"
using namespace cases;

namespace clean::after_that_is_heard {
// Each pause is waited for to its end: nothing is left when the function returns.
void Retry() {
  for (const Duration pause : {200ms, 400ms, 800ms}) time::After(pause).Recv();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(300ms)) Go(Retry);
  });
}
}  // namespace clean::after_that_is_heard
