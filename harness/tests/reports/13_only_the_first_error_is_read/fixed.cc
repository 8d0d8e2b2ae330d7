#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r13 {
// Starts three caches at once, and ends with the first error.
std::string Start() {
  auto errors = MakeChan<std::string>(3);
  for (const Duration takes : {10ms, 20ms, 30ms}) {
    Go([=] {
      time::Sleep(takes);
      errors.Send("no connection");
    });
  }
  return *errors.Recv();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(2s)) Start();
  });
}
}  // namespace fixed::r13
