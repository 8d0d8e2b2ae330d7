// The progress bar that outlived its download
//
// A download adds up chunks as they come, and every so often it reports how far it is. A broken
// chunk ends it.
//
// time::Tick is so handy: one call, and a channel that ticks. Its documentation has a sentence that
// the author has read past.
//
// A timer that leaks is gone when its deadline comes. How long does this one stay?
// (harness/afterleak/go/time.h is the documentation.)
//
// The promise:
//   Download returns the bytes of all chunks when the channel is closed, and nothing as soon as
//   one of them is broken. It reports the sum so far every `period`, counted from the call.
#include "workshop/exercises.h"

namespace workshop {

std::optional<int> Download(Chan<Chunk> chunks, Duration period,
                            const std::function<void(int)>& report) {
  const RecvChan<Time> tick = time::Tick(period);
  int bytes = 0;
  for (;;) {
    Chunk chunk;
    bool more = false;
    switch (Select({Recv(chunks, &chunk, &more),  // case chunk, more := <-chunks:
                    Recv(tick)})) {               // case <-tick:
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
