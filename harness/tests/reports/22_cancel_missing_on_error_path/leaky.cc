#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r22 {
bool Create(bool fails) {
  auto [ctx, cancel] = context::WithTimeout(context::Background(), 1min);  // LEAK
  if (fails) return false;
  cancel();
  return ctx.Deadline().has_value();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int n = 0; More(); time::Sleep(200ms)) Create(++n % 2 == 0);
  });
}
}  // namespace leaky::r22
