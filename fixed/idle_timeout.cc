#include "pairs/idle_timeout.h"

namespace fixed {

void IdleTimeout(Chan<std::string> messages, Duration quiet, const Work& work) {
  time::ScopedTimer idle(quiet);  // time.NewTimer(quiet), and defer idle.Stop()
  for (;;) {
    std::string message;
    bool open = false;
    switch (Select({Recv(messages, &message, &open),  // case message, open := <-messages:
                    Recv(idle.C())})) {  // case <-idle.C:
      case 0:
        if (!open) return;
        work.handle(message);
        if (!idle.Stop()) Select({Recv(idle.C()), Default()});  // it fired meanwhile: drain it
        break;
      case 1:
        work.poll();
        break;
    }
    idle.Reset(quiet);
  }
}

}  // namespace fixed
