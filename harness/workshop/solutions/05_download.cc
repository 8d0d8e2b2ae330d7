// A ticker has no deadline: it ticks until it is stopped. Here that happens on every path.
#include "workshop/exercises.h"

namespace workshop {

std::optional<int> Download(Chan<Chunk> chunks, Duration period,
                            const std::function<void(int)>& report) {
  const time::ScopedTicker ticker(period);
  int bytes = 0;
  for (;;) {
    Chunk chunk;
    bool more = false;
    switch (Select({Recv(chunks, &chunk, &more),  // case chunk, more := <-chunks:
                    Recv(ticker.C())})) {         // case <-ticker.C:
      case 0:
        if (!more) return bytes;
        if (chunk.broken) return std::nullopt;
        bytes += chunk.bytes;
        break;
      default:
        report(bytes);
        break;
    }
  }
}

}  // namespace workshop
