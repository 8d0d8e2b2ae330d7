#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r06 {
int Statement(const context::Context& session) {
  auto [ctx, cancel] = context::WithCancel(session);
  Defer end(cancel);
  return ctx.Err() == context::Error::kNone ? 1 : 0;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto [session, close] = context::WithCancel(context::Background());
    Defer end(close);
    while (More()) Statement(session), time::Sleep(100ms);
  });
}
}  // namespace fixed::r06
