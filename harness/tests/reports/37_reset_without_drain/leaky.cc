#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r37 {
// Collects transactions, and passes on ten of them, or what has come in a second.
int Batch(const RecvChan<int>& transactions) {
  int batched = 0, empty = 0;
  const time::ScopedTimer timer(1s);
  auto send = [&] {
    empty += batched == 0 ? 1 : 0;
    time::Sleep(1500ms);  // meanwhile the timer expires
    batched = 0;
    timer.Reset(1s);  // LEAK: the old value is still there
  };
  for (bool open = true; open;) {
    if (Select({Recv(transactions, nullptr, &open), Recv(timer.C())}) == 1 || ++batched == 10)
      send();
  }
  return empty;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto transactions = MakeChan<int>(100);
    Go([transactions] { Batch(transactions); });
    for (; More(); time::Sleep(90ms)) transactions.TrySend(1);
    transactions.Close();
  });
}
}  // namespace leaky::r37
