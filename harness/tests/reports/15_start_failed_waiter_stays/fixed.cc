#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r15 {
struct Exec {
  Chan<int> exited = MakeChan<int>(1);
};
void Wait(std::shared_ptr<Exec> exec) {
  Go([=] { exec->exited.Recv(); });
}
bool Start(std::shared_ptr<Exec> exec, bool works) {
  if (!works) {
    exec->exited.Send(255);
    return false;
  }
  Go([=] { time::Sleep(100ms), exec->exited.Send(0); });
  return true;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (int n = 0; More(); time::Sleep(500ms)) {
      auto exec = std::make_shared<Exec>();
      Wait(exec);
      Start(exec, ++n % 2 == 0);
    }
  });
}
}  // namespace fixed::r15
