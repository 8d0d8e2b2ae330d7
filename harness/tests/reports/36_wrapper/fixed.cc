#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r36 {
struct Clock {  // the clock that every project has, so that tests can fake it
  time::ScopedTimer NewTimer(Duration delay) const { return time::ScopedTimer(delay); }
};
void Poll(const Clock& clock, const RecvChan<int>& in) {
  const auto limit = clock.NewTimer(1h);
  Select({Recv(in), Recv(limit.C())});
}
void Drain(const Clock& clock, const RecvChan<int>& in) {
  const auto limit = clock.NewTimer(2h);
  Select({Recv(in), Recv(limit.C())});
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
}  // namespace fixed::r36
