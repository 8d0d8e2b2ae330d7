#include "pairs/signal_before_expiry.h"

namespace fixed {

std::optional<os::Signal> SignalBeforeExpiry(Chan<os::Signal> signals, Duration length) {
  os::Signal caught = 0;
  time::ScopedTimer timer(length);  // time.NewTimer(length), and defer timer.Stop()
  switch (Select({Recv(signals, &caught),  // case caught := <-signals:
                  Recv(timer.C())})) {  // case <-timer.C:
    case 0:
      return caught;
    default:
      return std::nullopt;
  }
}

}  // namespace fixed
