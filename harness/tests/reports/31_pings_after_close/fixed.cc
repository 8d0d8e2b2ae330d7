#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r31 {
struct Socket : std::enable_shared_from_this<Socket> {
  time::Timer ping;
  int sent = 0;
  bool open = true;
  void Ping() {
    if (open) ++sent;
    ping = time::AfterFunc(2s, [self = shared_from_this()] { self->Ping(); });
  }
  void Close() {
    open = false;
    ping.Stop();
    ping = {};  // its callback holds this socket, and counted handles find no cycles
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto socket = std::make_shared<Socket>();
      socket->Ping();
      time::Sleep(500ms);
      socket->Close();
    }
  });
}
}  // namespace fixed::r31
