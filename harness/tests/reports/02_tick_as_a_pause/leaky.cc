#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r02 {
// Sends a request until it is answered, with a longer pause each time.
int Get(const std::function<bool()>& request) {
  for (int attempt = 1;; ++attempt) {
    if (request()) return attempt;
    time::Tick(500ms * attempt).Recv();  // LEAK
  }
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    int sent = 0;
    while (More()) Get([&] { return ++sent % 3 == 0; }), time::Sleep(1s);
  });
}
}  // namespace leaky::r02
