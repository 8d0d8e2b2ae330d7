#include "pairs/looping_select.h"

namespace fixed {

void LoopingSelect(Chan<std::string> messages, LoopTimes times, const Work& work) {
  auto [ctx, cancel] = context::WithTimeout(context::Background(), times.give_up);
  Defer cancelled(cancel);
  time::ScopedTicker ticker(times.poll);
  for (;;) {
    std::string message;
    switch (Select({Recv(messages, &message),  // case message := <-messages:
                    Recv(ticker.C()),  // case <-ticker.C:
                    Recv(ctx.Done())})) {  // case <-ctx.Done():
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

}  // namespace fixed
