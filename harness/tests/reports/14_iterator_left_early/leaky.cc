#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r14 {
RecvChan<int> Rules() {
  auto rules = MakeChan<int>();
  Go([=] {
    for (int rule = 0; rule < 10; ++rule) rules.Send(rule);  // LEAK
    rules.Close();
  });
  return rules;
}
bool Allowed(int user) {
  for (int rule : Rules())
    if (rule == user) return true;
  return false;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(1s)) Allowed(3), Allowed(11);
  });
}
}  // namespace leaky::r14
