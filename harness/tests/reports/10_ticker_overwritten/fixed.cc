#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r10 {
struct Client {
  time::Ticker pings;
  void OnHandshake(Duration interval) {
    if (pings) pings.Stop();
    pings = time::NewTicker(interval);
  }
  void Close() { pings.Stop(); }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    Client client;
    for (; More(); time::Sleep(500ms)) client.OnHandshake(25s);
    client.Close();
  });
}
}  // namespace fixed::r10
