#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r17 {
struct Session : std::enable_shared_from_this<Session> {
  std::vector<char> buffer = std::vector<char>(1024);
  time::Timer cycle;
  int beats = 0;
  void Start() {
    cycle = time::AfterFunc(2s, [weak = weak_from_this()] {
      if (auto self = weak.lock()) ++self->beats, self->Start();
    });
  }
  void Stop() { cycle.Stop(); }
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
}  // namespace fixed::r17
