#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r18 {
std::string AskPassword(const RecvChan<std::string>& terminal) {
  auto interrupts = MakeChan<os::Signal>(1);
  signal::Notify(interrupts, {SIGINT});  // LEAK
  std::string typed;
  return Select({Recv(terminal, &typed), Recv(interrupts)}) == 0 ? typed : "";
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto terminal = MakeChan<std::string>();
    Go([terminal] {
      for (; More(); time::Sleep(500ms)) terminal.Send("secret");
      terminal.Close();
    });
    while (!AskPassword(terminal).empty()) continue;
  });
}
}  // namespace leaky::r18
