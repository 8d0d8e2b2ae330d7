#include "tests/reports/case.h"
using namespace cases;

namespace clean::keep_alive_of_open_connections {
// Users come one by one and stay. Each connection is kept alive by a ticker while it is open.
struct Connection {
  Chan<Unit> closed = MakeChan<Unit>();
  Connection() {
    Go([closed = closed] {
      const time::ScopedTicker pings(5s);
      while (Select({Recv(pings.C()), Recv(closed)}) == 0) continue;
    });
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    std::vector<Connection> users;
    for (; More(); time::Sleep(1s))
      if (users.size() < 20) users.emplace_back();
    for (const Connection& user : users) user.closed.Close();
  });
}
}  // namespace clean::keep_alive_of_open_connections
