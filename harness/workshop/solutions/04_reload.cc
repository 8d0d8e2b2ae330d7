// What Notify began, only Stop ends. Stop is for this channel alone; Reset would end the
// registrations of the whole process.
#include "workshop/exercises.h"

namespace workshop {

bool WaitForReload(Duration limit) {
  const auto signals = MakeChan<os::Signal>(1);
  signal::Notify(signals, {SIGHUP});
  const Defer stop([&] { signal::Stop(signals); });
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
