#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r17 {
struct Session : std::enable_shared_from_this<Session> {
  std::vector<char> buffer = std::vector<char>(1024);
  time::Timer cycle;
  int beats = 0;
  void Start() {
    cycle =
        time::AfterFunc(2s, [self = shared_from_this()] { ++self->beats, self->Start(); });  // LEAK
  }
  void Stop() { cycle.Stop(); }  // nothing fires any more, but the handler still owns the session
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto session = std::make_shared<Session>();
      session->Start();
      time::Sleep(500ms);
      session->Stop();
    }
  });
}
}  // namespace leaky::r17
