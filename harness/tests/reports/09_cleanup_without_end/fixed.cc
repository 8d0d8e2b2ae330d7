#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r09 {
struct Limits {
  std::map<std::string, int> calls;
  Chan<Unit> closed = MakeChan<Unit>();
};
// Counts the calls of each client, from zero every ten seconds.
std::shared_ptr<Limits> NewLimits() {
  auto limits = std::make_shared<Limits>();
  Go([limits] {
    const time::ScopedTicker flush(10s);
    while (Select({Recv(flush.C()), Recv(limits->closed)}) == 0) limits->calls.clear();
  });
  return limits;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {  // new settings each second
      auto limits = NewLimits();
      ++limits->calls["client"];
      time::Sleep(1s);
      limits->closed.Close();
    }
  });
}
}  // namespace fixed::r09
