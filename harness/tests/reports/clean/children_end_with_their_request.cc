#include "tests/reports/case.h"
using namespace cases;

namespace clean::children_end_with_their_request {
// The parts of a request are not cancelled one by one: they end with the request.
int Handle() {
  auto [request, end] = context::WithTimeout(context::Background(), 30s);
  Defer cancel(end);
  int live = 0;
  for (int part = 0; part < 3; ++part) {
    auto [ctx, unused] = context::WithCancel(request);
    Go([ctx = ctx] { ctx.Done().Recv(); });
    live += ctx.Err() == context::Error::kNone ? 1 : 0;
  }
  time::Sleep(50ms);
  return live;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(200ms)) Handle();
  });
}
}  // namespace clean::children_end_with_their_request
