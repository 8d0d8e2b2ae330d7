#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r39 {
struct Stream {
  Chan<int> received = MakeChan<int>(4);
  Duration read_timeout = 75s;
  int Read() const {
    int bytes = 0;
    const time::ScopedTimer timeout(read_timeout);
    return Select({Recv(received, &bytes), Recv(timeout.C())}) == 0 ? bytes : -1;
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    const Stream stream;
    for (; More(); time::Sleep(200ms)) {
      stream.received.Send(512);
      stream.Read();
    }
  });
}
}  // namespace fixed::r39
