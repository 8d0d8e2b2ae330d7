// The night window
//
// Backups may run for some hours at night. A backup ends when all blocks are copied, when the
// window is over, or when an operator sends a signal: then it tells which one.
//
// The author came from C++, and knew that time::After cannot be stopped. So this is a time::Timer,
// an object in a scope, and objects clean up behind themselves. Do they?
//
// The host runs backups of many small machines, one after the other, in one process. Look at what
// is live after each of them.
//
// The promise:
//   RunBackup copies blocks until the channel is closed, a signal comes, or `window` is over. It
//   returns how many blocks it copied, and the signal if that was the end of it.
#include "workshop/exercises.h"

namespace workshop {

Backup RunBackup(Chan<int> blocks, Chan<os::Signal> signals, Duration window) {
  const time::Timer closing = time::NewTimer(window);
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
