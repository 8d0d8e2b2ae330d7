#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r32 {
struct Connection {
  bool gone = false;
  int pings = 0;
  Chan<Unit> closed = MakeChan<Unit>();
};
void Serve(std::shared_ptr<Connection> connection) {
  Go([connection] {
    const time::ScopedTicker interval(1s);
    while (Select({Recv(interval.C()), Recv(connection->closed)}) == 0) {
      if (connection->gone) return;
      ++connection->pings;
    }
  });
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int n = 0; More(); ++n) {
      auto connection = std::make_shared<Connection>();
      Serve(connection);
      time::Sleep(500ms);
      if (n % 2 == 0) {
        connection->gone = true;  // without a word
      } else {
        connection->closed.Close();
      }
    }
  });
}
}  // namespace fixed::r32
