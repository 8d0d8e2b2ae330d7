#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r33 {
struct Socket {
  bool closed = false;
  int dials = 0;
  bool Dial() {
    ++dials;
    return false;  // the server is away
  }
};
std::shared_ptr<Socket> Connect() {
  auto socket = std::make_shared<Socket>();
  Go([socket] {
    while (!socket->Dial()) time::Sleep(1s);  // LEAK
  });
  return socket;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto socket = Connect();
      time::Sleep(1500ms);
      socket->closed = true;
    }
  });
}
}  // namespace leaky::r33
