// A ScopedTimer stops on every path, and so each return leaves nothing behind.
#include "workshop/exercises.h"

namespace workshop {

std::optional<int> FirstQuote(Chan<int> local, Chan<int> distant, Duration polite,
                              Duration patience, const std::function<void()>& remind) {
  const time::ScopedTimer reminder(polite);
  const time::ScopedTimer deadline(patience);
  for (;;) {
    int price = 0;
    switch (Select({Recv(local, &price),     // case price := <-local:
                    Recv(distant, &price),   // case price := <-distant:
                    Recv(reminder.C()),      // case <-reminder.C:
                    Recv(deadline.C())})) {  // case <-deadline.C:
      case 0:
      case 1:
        return price;
      case 2:
        remind();
        break;
      default:
        return std::nullopt;
    }
  }
}

}  // namespace workshop
