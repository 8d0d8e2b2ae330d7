#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r07 {
struct Cache {
  time::Ticker cleanup;
  Chan<Unit> closed = MakeChan<Unit>();
  int sweeps = 0;
};
std::shared_ptr<Cache> NewCache() {
  auto cache = std::make_shared<Cache>();
  cache->cleanup = time::NewTicker(5s);
  Go([cache] {
    while (Select({Recv(cache->cleanup.C()), Recv(cache->closed)}) == 0) ++cache->sweeps;
  });
  return cache;
}
void Close(const Cache& cache) {
  cache.cleanup.Stop();
  cache.closed.Close();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) {
      auto cache = NewCache();
      time::Sleep(500ms);
      Close(*cache);
    }
  });
}
}  // namespace fixed::r07
