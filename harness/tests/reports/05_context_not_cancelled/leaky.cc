#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r05 {
int Query() {
  auto [ctx, cancel] = context::WithTimeout(context::Background(), 30s);  // LEAK
  auto rows = MakeChan<int>(1);
  Go([rows] { time::Sleep(5ms), rows.Send(7); });
  int row = 0;
  return Select({Recv(rows, &row), Recv(ctx.Done())}) == 0 ? row : -1;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Query(), time::Sleep(95ms);
  });
}
}  // namespace leaky::r05
