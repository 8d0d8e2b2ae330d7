#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r27 {
struct Connection {
  std::vector<char> buffer = std::vector<char>(4096);
  bool failed = false;
};
void Send(Duration takes) {
  auto connection = std::make_shared<Connection>();
  auto answered = MakeChan<Unit>(1);
  const time::Timer limit = time::AfterFunc(1min, [connection] { connection->failed = true; });
  Go([=] { time::Sleep(takes), answered.Send({}); });
  answered.Recv();
  limit.Stop();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(200ms)) Send(300ms);
  });
}
}  // namespace fixed::r27
