#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r45 {
struct Pipe {
  Chan<int> arrived = MakeChan<int>(4);
  std::shared_ptr<bool> broken = std::make_shared<bool>(false);
  time::Timer deadline;
  int Read() {
    if (deadline) deadline.Stop();
    deadline = time::AfterFunc(30s, [broken = broken] { *broken = true; });
    return *arrived.Recv();
  }
  void Close() { deadline.Stop(); }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    Pipe pipe;
    for (; More(); time::Sleep(100ms)) {
      pipe.arrived.Send(1);
      pipe.Read();
    }
    pipe.Close();
  });
}
}  // namespace fixed::r45
