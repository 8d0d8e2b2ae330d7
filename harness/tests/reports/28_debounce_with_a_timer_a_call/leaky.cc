#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r28 {
struct Debouncer : std::enable_shared_from_this<Debouncer> {
  int calls = 0;
  int ran = 0;
  time::Timer quiet;
  void Call() {
    ++calls;
    quiet = time::AfterFunc(30s, [mine = calls, weak = weak_from_this()] {  // LEAK
      if (auto self = weak.lock(); self && mine == self->calls) ++self->ran;
    });
  }
  void Flush() {
    quiet.Stop();
    ++ran;
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto save = std::make_shared<Debouncer>();
    for (; More(); time::Sleep(100ms)) save->Call();
    save->Flush();
  });
}
}  // namespace leaky::r28
