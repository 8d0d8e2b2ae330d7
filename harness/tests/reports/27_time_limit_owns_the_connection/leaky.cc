#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r27 {
struct Connection {
  std::vector<char> buffer = std::vector<char>(4096);
  bool failed = false;
};
void Send(Duration takes) {
  auto connection = std::make_shared<Connection>();
  auto answered = MakeChan<Unit>(1);
  time::AfterFunc(1min, [connection] { connection->failed = true; });  // LEAK
  Go([=] { time::Sleep(takes), answered.Send({}); });
  answered.Recv();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(200ms)) Send(300ms);
  });
}
}  // namespace leaky::r27
