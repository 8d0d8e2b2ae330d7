#include "pairs/signal_before_expiry.h"

namespace leaky {

std::optional<os::Signal> SignalBeforeExpiry(Chan<os::Signal> signals, Duration length) {
  os::Signal caught = 0;
  switch (Select({Recv(signals, &caught),  // case caught := <-signals:
                  Recv(time::After(length))})) {  // case <-time.After(length):
    case 0:
      return caught;
    default:
      return std::nullopt;
  }
}

}  // namespace leaky
