// The first price wins
//
// A buyer asks two suppliers for a price, one in town and one far away, and takes the first answer.
// If neither has answered after a polite while, the buyer reminds them, once. When patience is at
// an end, the buyer goes without.
//
// Prices mostly come within a second, and the function is over at once. It runs ten times a second,
// all day, in a service that somebody restarts every night "because of the memory".
//
// A function that has returned should leave nothing behind. This one does.
//
// The promise:
//   FirstQuote returns the price of the first to answer, or nothing after `patience`. It calls
//   `remind` once, after `polite`, if nobody has answered by then.
#include "workshop/exercises.h"

namespace workshop {

std::optional<int> FirstQuote(Chan<int> local, Chan<int> distant, Duration polite,
                              Duration patience, const std::function<void()>& remind) {
  const RecvChan<Time> reminder = time::After(polite);
  const RecvChan<Time> deadline = time::After(patience);
  for (;;) {
    int price = 0;
    switch (Select({Recv(local, &price),    // case price := <-local:
                    Recv(distant, &price),  // case price := <-distant:
                    Recv(reminder),         // case <-reminder:
                    Recv(deadline)})) {     // case <-deadline:
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
