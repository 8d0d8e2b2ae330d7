// In go122 a timer that has fired keeps its value until somebody takes it, whatever Reset does.
// Recv would wait forever where the value has been taken already, so this is TryRecv.
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
    if (!timer.Stop()) timer.C().TryRecv();
    timer.Reset(idle);
  }
}

}  // namespace workshop
