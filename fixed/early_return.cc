#include "pairs/early_return.h"

namespace fixed {

std::optional<std::string> EarlyReturn(Chan<std::string> messages, LoopTimes times) {
  auto [ctx, cancel] = context::WithTimeout(context::Background(), times.give_up);
  Defer cancelled(cancel);
  time::ScopedTicker ticker(times.poll);
  for (;;) {
    std::string message;
    switch (Select({Recv(messages, &message),  // case message := <-messages:
                    Recv(ticker.C()),  // case <-ticker.C:
                    Recv(ctx.Done())})) {  // case <-ctx.Done():
      case 0:
        return message;
      case 1:
        break;
      case 2:
        return std::nullopt;
    }
  }
}

}  // namespace fixed
