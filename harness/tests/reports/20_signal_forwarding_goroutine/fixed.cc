#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r20 {
// Runs a script, and passes interrupts on to it.
void RunScript(Duration length, std::shared_ptr<int> forwarded) {
  auto signals = MakeChan<os::Signal>(1);
  signal::Notify(signals, {SIGINT});
  Go([signals, forwarded] {
    for ([[maybe_unused]] os::Signal caught : signals) ++*forwarded;
  });
  time::Sleep(length);
  signal::Stop(signals);
  signals.Close();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto forwarded = std::make_shared<int>();
    while (More()) RunScript(1s, forwarded);
  });
}
}  // namespace fixed::r20
