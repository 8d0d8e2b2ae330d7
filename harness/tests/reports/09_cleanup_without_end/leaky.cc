#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r09 {
struct Limits {
  std::map<std::string, int> calls;
};
// Counts the calls of each client, from zero every ten seconds.
std::shared_ptr<Limits> NewLimits() {
  auto limits = std::make_shared<Limits>();
  Go([limits] {
    const time::ScopedTicker flush(10s);                           // with it
    while (Select({Recv(flush.C())}) == 0) limits->calls.clear();  // LEAK
  });
  return limits;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {  // new settings each second
      auto limits = NewLimits();
      ++limits->calls["client"];
      time::Sleep(1s);
    }
  });
}
}  // namespace leaky::r09
