// Are you still there?
//
// A server handles the messages of a line. When none has come for a while it sends a ping, and if
// it is still quiet after as long again, it hangs up.
//
// There is one timer, stopped at the end, and Reset for each turn, as the books say. The census is
// flat: nothing leaks. And yet callers complain: after a message that was hard work, they are
// pinged at once, and sometimes cut off, though they have been waiting for the server all the time.
//
// It happens with timers as in Go 1.22 and in C and C++ event loops; since Go 1.23 it does not.
// Both must be right. (harness/afterleak/go/time.h says what Stop and Reset do in each.)
//
// The promise:
//   ServeLine handles messages one after the other, and that may take its time. It calls `ping`
//   when no message has come for `idle` since the last one was handled, and hangs up when none
//   comes for `idle` after that. It returns then, or when the line is closed: how many messages
//   there were.
#include "workshop/exercises.h"

namespace workshop {

int ServeLine(Chan<std::string> line, Duration idle,
              const std::function<void(const std::string&)>& handle,
              const std::function<void()>& ping) {
  const time::ScopedTimer timer(idle);
  int count = 0;
  bool pinged = false;
  for (;;) {
    std::string message;
    bool open = false;
    switch (Select({Recv(line, &message, &open),  // case message, open := <-line:
                    Recv(timer.C())})) {          // case <-timer.C:
      case 0:
        if (!open) return count;
        handle(message);
        ++count;
        pinged = false;
        break;
      default:
        if (pinged) return count;
        ping();
        pinged = true;
        break;
    }
    timer.Reset(idle);
  }
}

}  // namespace workshop
