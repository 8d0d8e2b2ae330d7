// The weather relay
//
// A station on a hill sends readings, and a relay passes them on. When the station has been quiet
// for a while the relay says so, and when its shift is over it goes home.
//
// The relay works: not a reading is lost, "quiet" comes when it should, and the shift ends to the
// second. Only, on windy days, when readings come ten times a second, the process grows. Memcheck
// finds nothing. Nobody has written `new` anywhere.
//
// Find what the relay leaves behind in each turn of its loop, and mend it. What it does for the
// people in the valley must stay exactly as it is.
//
// The promise:
//   Relay sends each reading on to `out` as it comes, and the word "quiet" when none has come for
//   the time `quiet`, and again after each such time. It returns after `shift`: how many readings
//   there were.
#include "workshop/exercises.h"

namespace workshop {

int Relay(Chan<std::string> readings, Chan<std::string> out, Duration quiet, Duration shift) {
  const Time end = time::Now() + shift;
  int count = 0;
  for (;;) {
    std::string reading;
    switch (Select({Recv(readings, &reading),                  // case reading := <-readings:
                    Recv(time::After(quiet)),                  // case <-time.After(quiet):
                    Recv(time::After(end - time::Now()))})) {  // case <-time.After(rest):
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
