#include "tests/reports/case.h"
using namespace cases;

namespace clean::cache_bounded_by_size {
// Each entry expires after an hour; above 50 entries the oldest goes first. It fills up slowly.
struct Cache {
  std::map<int, time::Timer> entries;
  void Put(int key) {
    entries[key] = time::AfterFunc(1h, [] {});
    if (entries.size() <= 50) return;
    entries.begin()->second.Stop();
    entries.erase(entries.begin());
  }
  ~Cache() {
    for (const auto& [key, expiry] : entries) expiry.Stop();
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    Cache cache;
    for (int key = 0; More(); ++key) cache.Put(key), time::Sleep(400ms);
  });
}
}  // namespace clean::cache_bounded_by_size
