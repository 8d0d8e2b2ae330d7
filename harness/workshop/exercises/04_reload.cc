// Edit, apply, edit, apply
//
// A configuration tool writes a file and waits until the administrator sends SIGHUP: "apply it".
// If that does not come in time, the tool takes the file back. It lives in a long-running host,
// and on some days there are hundreds of edits.
//
// Somebody has been here before you and has mended the timer: it is a ScopedTimer, and stops when
// the function returns. Time limits are not the leak any more. But after a day of editing the
// process is larger still, and the census has a line that never goes away, in any version of Go.
//
// There is a second complaint. An administrator wanted to stop the idle host by its default action
// for SIGHUP, and the host did not care.
//
// Timers are not the only thing that a run-time keeps for you until you say that you are done.
// Other parts of the host listen to SIGHUP too: leave them alone.
//
// The promise:
//   WaitForReload waits for SIGHUP, for at most `limit`, and returns whether it came. Others that
//   listen to SIGHUP go on to hear it. When nobody does, it has its default action again.
#include "workshop/exercises.h"

namespace workshop {

bool WaitForReload(Duration limit) {
  const auto signals = MakeChan<os::Signal>(1);
  signal::Notify(signals, {SIGHUP});
  const time::ScopedTimer timer(limit);
  switch (Select({Recv(signals),        // case <-signals:
                  Recv(timer.C())})) {  // case <-timer.C:
    case 0:
      return true;
    default:
      return false;
  }
}

}  // namespace workshop
