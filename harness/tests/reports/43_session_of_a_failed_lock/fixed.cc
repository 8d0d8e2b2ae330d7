#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r43 {
struct Session {
  context::CancelFunc close;
};
// A lease that is kept alive until the session is closed.
std::unique_ptr<Session> NewSession() {
  auto session = std::make_unique<Session>();
  auto [ctx, cancel] = context::WithCancel(context::Background());
  session->close = cancel;
  Go([ctx = ctx] {
    const time::ScopedTicker renew(5s);
    while (Select({Recv(renew.C()), Recv(ctx.Done())}) == 0) continue;
  });
  return session;
}
bool WithLock(bool taken) {
  const auto session = NewSession();
  Defer end(session->close);
  if (taken) return false;
  time::Sleep(100ms);
  return true;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int n = 0; More(); time::Sleep(500ms)) WithLock(++n % 2 == 0);
  });
}
}  // namespace fixed::r43
