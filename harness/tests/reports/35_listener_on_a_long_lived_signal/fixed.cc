#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r35 {
struct AbortSignal {  // of a client that lives as long as the program
  std::map<int, std::function<void()>> listeners;
  int last = 0;
};
AbortSignal& Shutdown() {
  static AbortSignal signal;
  return signal;
}
struct Request {
  std::vector<char> body = std::vector<char>(256);
  bool aborted = false;
};
void Heartbeat() {
  auto request = std::make_shared<Request>();
  const int id = ++Shutdown().last;
  Shutdown().listeners[id] = [request] { request->aborted = true; };
  time::Sleep(100ms);
  Shutdown().listeners.erase(id);
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(400ms)) Heartbeat();
  });
}
}  // namespace fixed::r35
