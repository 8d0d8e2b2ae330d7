#include "pairs/idle_timeout.h"

namespace leaky {

void IdleTimeout(Chan<std::string> messages, Duration quiet, const Work& work) {
  for (;;) {
    std::string message;
    bool open = false;
    switch (Select({Recv(messages, &message, &open),  // case message, open := <-messages:
                    Recv(time::After(quiet))})) {  // case <-time.After(quiet):
      case 0:
        if (!open) return;
        work.handle(message);
        break;
      case 1:
        work.poll();
        break;
    }
  }
}

}  // namespace leaky
