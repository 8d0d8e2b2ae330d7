// The shift has one timer for all turns. The silence has one for each turn, which stops when the
// turn is over: it starts again with each reading, so a ticker would not do.
#include "workshop/exercises.h"

namespace workshop {

int Relay(Chan<std::string> readings, Chan<std::string> out, Duration quiet, Duration shift) {
  const time::ScopedTimer end(shift);
  int count = 0;
  for (;;) {
    std::string reading;
    const time::ScopedTimer silence(quiet);
    switch (Select({Recv(readings, &reading),  // case reading := <-readings:
                    Recv(silence.C()),         // case <-silence.C:
                    Recv(end.C())})) {         // case <-end.C:
      case 0:
        out.Send(reading);
        ++count;
        break;
      case 1:
        out.Send("quiet");
        break;
      default:
        return count;
    }
  }
}

}  // namespace workshop
