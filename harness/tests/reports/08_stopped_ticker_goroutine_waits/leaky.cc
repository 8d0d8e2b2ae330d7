#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r08 {
struct Socket {
  time::Ticker pings = time::NewTicker(5s);
  int sent = 0;
};
void Serve(Duration length) {
  auto socket = std::make_shared<Socket>();
  Go([socket] {
    for ([[maybe_unused]] Time at : socket->pings.C()) {  // LEAK: Stop does not close C
      ++socket->sent;
    }
  });
  time::Sleep(length);
  socket->pings.Stop();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Serve(1s);
  });
}
}  // namespace leaky::r08
