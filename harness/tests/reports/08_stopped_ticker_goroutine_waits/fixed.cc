#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r08 {
struct Socket {
  time::Ticker pings = time::NewTicker(5s);
  Chan<Unit> done = MakeChan<Unit>();
  int sent = 0;
};
void Serve(Duration length) {
  auto socket = std::make_shared<Socket>();
  Go([socket] {
    while (Select({Recv(socket->pings.C()), Recv(socket->done)}) == 0) ++socket->sent;
  });
  time::Sleep(length);
  socket->pings.Stop();
  socket->done.Close();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) Serve(1s);
  });
}
}  // namespace fixed::r08
