#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r14 {
RecvChan<int> Rules(RecvChan<Unit> done) {
  auto rules = MakeChan<int>();
  Go([=] {
    for (int rule = 0; rule < 10; ++rule)
      if (Select({Send(rules, rule), Recv(done)}) == 1) return;
    rules.Close();
  });
  return rules;
}
bool Allowed(int user) {
  auto done = MakeChan<Unit>();
  Defer end([&] { done.Close(); });
  for (int rule : Rules(done))
    if (rule == user) return true;
  return false;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(1s)) Allowed(3), Allowed(11);
  });
}
}  // namespace fixed::r14
