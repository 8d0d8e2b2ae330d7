#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r29 {
struct Dispatcher : std::enable_shared_from_this<Dispatcher> {
  std::map<int, time::Timer> jobs;
  int runs = 0;
  void Cycle(int id) {
    if (jobs.contains(id)) jobs[id].Stop();
    jobs[id] = time::AfterFunc(10s, [self = shared_from_this(), id] { self->Collect(id); });
  }
  void Collect(int id) {
    ++runs;
    Cycle(id);
  }
  void Close() {
    for (const auto& [id, timer] : jobs) timer.Stop();
    jobs.clear();
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto dispatcher = std::make_shared<Dispatcher>();
    for (; More(); time::Sleep(3s)) dispatcher->Collect(1);  // also when somebody asks for it
    dispatcher->Close();
  });
}
}  // namespace fixed::r29
