#include "pairs/early_return.h"

namespace leaky {

std::optional<std::string> EarlyReturn(Chan<std::string> messages, LoopTimes times) {
  for (;;) {
    std::string message;
    switch (Select({Recv(messages, &message),  // case message := <-messages:
                    Recv(time::After(times.poll)),  // case <-time.After(3 * time.Second):
                    Recv(time::After(times.give_up))})) {  // case <-time.After(30 * time.Second):
      case 0:
        return message;
      case 1:
        break;
      case 2:
        return std::nullopt;
    }
  }
}

}  // namespace leaky
