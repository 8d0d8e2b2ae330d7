#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r40 {
struct Watcher {
  Chan<int> result = MakeChan<int>(2);
  Chan<Unit> stopped = MakeChan<Unit>();
};
void Process(std::shared_ptr<Watcher> watcher, int events) {
  Go([=] {
    for (int event = 0; event < events; ++event) watcher->result.Send(event);  // LEAK
  });
}
// Serves a watch until its time is over. Nobody reads the results then.
void ServeHttp(Duration timeout) {
  auto watcher = std::make_shared<Watcher>();
  Process(watcher, 20);
  const time::ScopedTimer over(timeout);
  while (Select({Recv(watcher->result), Recv(over.C())}) == 0) time::Sleep(100ms);
  watcher->stopped.Close();
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    while (More()) ServeHttp(1s);
  });
}
}  // namespace leaky::r40
