#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r28 {
struct Debouncer : std::enable_shared_from_this<Debouncer> {
  int calls = 0;
  int ran = 0;
  time::Timer quiet;
  void Call() {
    ++calls;
    if (quiet) {
      quiet.Reset(30s);
      return;
    }
    quiet = time::AfterFunc(30s, [weak = weak_from_this()] {
      if (auto self = weak.lock()) ++self->ran;
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
}  // namespace fixed::r28
