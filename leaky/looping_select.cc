#include "pairs/looping_select.h"

namespace leaky {

void LoopingSelect(Chan<std::string> messages, LoopTimes times, const Work& work) {
  for (;;) {
    std::string message;
    switch (Select({Recv(messages, &message),  // case message := <-messages:
                    Recv(time::After(times.poll)),  // case <-time.After(3 * time.Second):
                    Recv(time::After(times.give_up))})) {  // case <-time.After(30 * time.Second):
      case 0:
        work.handle(message);
        break;
      case 1:
        work.poll();
        break;
      case 2:
        return;
    }
  }
}

}  // namespace leaky
