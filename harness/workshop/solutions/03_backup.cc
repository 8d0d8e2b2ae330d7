// A Timer is a handle, as in Go: when the last one goes, the run-time's own reference is left. A
// ScopedTimer stops it on every path.
#include "workshop/exercises.h"

namespace workshop {

Backup RunBackup(Chan<int> blocks, Chan<os::Signal> signals, Duration window) {
  const time::ScopedTimer closing(window);
  Backup backup;
  for (;;) {
    int block = 0;
    bool more = false;
    os::Signal caught = 0;
    switch (Select({Recv(blocks, &block, &more),  // case block, more := <-blocks:
                    Recv(signals, &caught),       // case caught := <-signals:
                    Recv(closing.C())})) {        // case <-closing.C:
      case 0:
        if (!more) return backup;
        ++backup.blocks;
        break;
      case 1:
        backup.ended_by = caught;
        return backup;
      default:
        return backup;
    }
  }
}

}  // namespace workshop
