#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r26 {
struct Stream {
  bool reset = false;
};
void Serve() {
  auto stream = std::make_shared<Stream>();
  const time::ScopedTimer idle(time::AfterFunc(5min, [stream] { stream->reset = true; }));
  for (int chunk = 0; chunk < 3; ++chunk) {
    time::Sleep(100ms);
    idle.Reset(5min);
  }
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(200ms)) Serve();
  });
}
}  // namespace fixed::r26
