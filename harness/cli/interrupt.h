// Ctrl-C asks for an orderly end; a second one ends the process as usual.
#pragma once

#include <csignal>
#include <stop_token>

#include "afterleak/afterleak.h"

namespace cli {

class InterruptWatch {
 public:
  InterruptWatch()
      : interrupts_(afterleak::MakeChan<afterleak::os::Signal>(1)),
        over_(afterleak::MakeChan<afterleak::Unit>()) {
    afterleak::signal::Notify(interrupts_, {SIGINT});
    afterleak::Go([stop = stop_, interrupts = interrupts_, over = over_]() mutable {
      if (afterleak::Select({afterleak::Recv(interrupts), afterleak::Recv(over)}) == 0)
        stop.request_stop();
      afterleak::signal::Stop(interrupts);
    });
  }
  ~InterruptWatch() { over_.Close(); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  afterleak::Chan<afterleak::os::Signal> interrupts_;
  afterleak::Chan<afterleak::Unit> over_;
};

}  // namespace cli
