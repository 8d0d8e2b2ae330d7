#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r39 {
struct Stream {
  Chan<int> received = MakeChan<int>(4);
  Duration read_timeout = 75s;
  int Read() const {
    int bytes = 0;
    return Select({Recv(received, &bytes), Recv(time::After(read_timeout))}) == 0 ? bytes
                                                                                  : -1;  // LEAK
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
}  // namespace leaky::r39
