#include "tests/reports/case.h"
using namespace cases;

namespace clean::reset_for_each_message {
// One timer, stopped, drained and started again with every message. Sometimes it fires.
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto messages = MakeChan<int>();
    Go([messages] {
      int quiet = 0;
      const time::ScopedTimer idle(1s);
      for (bool open = true; open;) {
        if (Select({Recv(messages, nullptr, &open), Recv(idle.C())}) == 1) ++quiet;
        if (!idle.Stop()) idle.C().TryRecv();
        idle.Reset(1s);
      }
    });
    for (int n = 1; More(); ++n) messages.Send(n), time::Sleep(n % 10 == 0 ? 1500ms : 200ms);
    messages.Close();
  });
}
}  // namespace clean::reset_for_each_message
