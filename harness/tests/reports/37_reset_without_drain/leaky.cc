#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r37 {
// Collects transactions, and passes on ten of them, or what has come in 60 ms.
int Batch(const RecvChan<int>& transactions) {
  int batched = 0, empty = 0;
  const time::ScopedTimer timer(60ms);
  auto send = [&] {
    empty += batched == 0 ? 1 : 0;
    batched = 0;
    time::Sleep(100ms);  // meanwhile the timer expires
    timer.Reset(60ms);   // LEAK: the old value is still in the channel
  };
  for (bool open = true; open;) {
    if (Select({Recv(transactions, nullptr, &open), Recv(timer.C())}) == 1 || ++batched == 10)
      send();
  }
  return empty;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto transactions = MakeChan<int>(10);
    Go([transactions] { Batch(transactions); });
    for (; More(); time::Sleep(5ms)) transactions.TrySend(1);
    transactions.Close();
  });
}
}  // namespace leaky::r37
