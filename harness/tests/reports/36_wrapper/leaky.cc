#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r36 {
struct Clock {  // the clock that every project has, so that tests can fake it
  RecvChan<Time> After(Duration delay) const { return time::After(delay); }
};
void Poll(const Clock& clock, const RecvChan<int>& in) {
  Select({Recv(in), Recv(clock.After(1h))});  // LEAK
}
void Drain(const Clock& clock, const RecvChan<int>& in) {
  Select({Recv(in), Recv(clock.After(2h))});  // LEAK
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    const Clock clock;
    auto in = MakeChan<int>();
    Go([in] {
      while (More()) time::Sleep(500ms), in.Send(1);
      in.Close();
    });
    while (More()) Poll(clock, in), Drain(clock, in);
  });
}
}  // namespace leaky::r36
