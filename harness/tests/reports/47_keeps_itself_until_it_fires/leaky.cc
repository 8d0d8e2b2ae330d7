#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r47 {
struct InvokeTimer {
  std::shared_ptr<InvokeTimer> self;  // keeps it until it fires
  std::function<void()> call;
  time::Timer timer;
  void Cancel() { timer.Stop(); }
};
std::shared_ptr<InvokeTimer> RunAfter(Duration delay, std::function<void()> call) {
  auto it = std::make_shared<InvokeTimer>();
  it->self = it;  // LEAK
  it->call = std::move(call);
  it->timer = time::AfterFunc(delay, [weak = std::weak_ptr(it)] {
    const auto kept = std::exchange(weak.lock()->self, nullptr);
    kept->call();
  });
  return it;
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    for (; More(); time::Sleep(200ms)) {
      const auto timeout = RunAfter(10s, [] {});
      time::Sleep(100ms);  // answered
      timeout->Cancel();
    }
  });
}
}  // namespace leaky::r47
