#include "pairs/signal_registration.h"

namespace fixed {

std::optional<os::Signal> SignalRegistration(Duration length) {
  const auto signals = MakeChan<os::Signal>(1);
  signal::Notify(signals, {SIGINT, SIGTERM, SIGQUIT});
  Defer stop([&] { signal::Stop(signals); });  // defer signal.Stop(signals)
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
