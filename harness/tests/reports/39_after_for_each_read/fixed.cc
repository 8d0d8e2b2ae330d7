#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r39 {
struct Stream {
  Chan<int> received = MakeChan<int>(4);
  Duration patience = 75s;
  int Read() const {
    int bytes = 0;
    const time::ScopedTimer limit(patience);
    const bool read = Select({Recv(received, &bytes), Recv(limit.C())}) == 0;
    return read ? bytes : -1;
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
