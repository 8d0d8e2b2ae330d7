#include "workshop/exercises.h"

namespace workshop {

Backup RunBackup(Chan<int> blocks, Chan<os::Signal> signals, Duration window) {
  auto [ctx, cancel] = context::WithTimeout(context::Background(), window);
  Backup backup;
  sync::WaitGroup copying;
  copying.Add(1);
  Go([&backup, &copying, blocks, signals, ctx = ctx] {
    const Defer done([&] { copying.Done(); });
    for (;;) {
      bool more = false;
      os::Signal caught{};
      switch (Select({Recv(blocks, nullptr, &more), Recv(signals, &caught), Recv(ctx.Done())})) {
        case 0:
          if (!more) return;
          backup.blocks++;
          continue;
        case 1:
          backup.ended_by = caught;
          return;
        default:
          return;
      }
    }
  });
  copying.Wait();
  cancel();
  return backup;
}

}  // namespace workshop
