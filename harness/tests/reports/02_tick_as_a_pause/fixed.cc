#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r02 {
// Sends a request until it is answered, with a longer pause each time.
int Get(const std::function<bool()>& request) {
  for (int attempt = 1;; ++attempt) {
    if (request()) return attempt;
    time::After(500ms * attempt).Recv();
  }
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    int sent = 0;
    while (More()) Get([&] { return ++sent % 3 == 0; }), time::Sleep(1s);
  });
}
}  // namespace fixed::r02
