#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r13 {
// Starts three caches at once, and ends with the first error.
std::string Start() {
  auto errors = MakeChan<std::string>();
  for (const Duration takes : {10ms, 20ms, 30ms}) {
    Go([=] {
      time::Sleep(takes);
      errors.Send("no connection");  // LEAK
    });
  }
  return *errors.Recv();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(2s)) Start();
  });
}
}  // namespace leaky::r13
