#include "tests/reports/case.h"
using namespace cases;

namespace clean::constant_thousand {
// A thousand devices, each with a time-out that starts again with every sign of life.
void Run(Bubble& bubble) {
  bubble.Go([] {
    std::vector<time::Timer> devices;
    for (int n = 0; n < 1000; ++n) devices.push_back(time::AfterFunc(1min, [] {}));
    for (std::size_t n = 0; More(); n = (n + 1) % devices.size()) {
      devices[n].Reset(1min);
      time::Sleep(50ms);
    }
    for (const time::Timer& device : devices) device.Stop();
  });
}
}  // namespace clean::constant_thousand
