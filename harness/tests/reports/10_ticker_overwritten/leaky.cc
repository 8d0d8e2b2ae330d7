#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r10 {
struct Client {
  time::Ticker pings;
  void OnHandshake(Duration interval) {
    pings = time::NewTicker(interval);  // LEAK: the one before still ticks
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
}  // namespace leaky::r10
