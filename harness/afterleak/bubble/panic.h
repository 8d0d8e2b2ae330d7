// Panic: what Go's run-time says when a program breaks a rule of channels, timers or signals.
//
// A panic is an exception here: it unwinds, it can be caught, and it leaves no lock held. The texts
// are those of Go, so that readers who know them can search for them.
#pragma once

#include <stdexcept>

#include "afterleak/version.h"

namespace afterleak {

// A broken rule: closing a nil channel, sending on a closed one, a ticker without an interval.
class Panic : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Every goroutine of a virtual bubble is blocked and nothing pending could wake one. what() lists
// each goroutine with the line where it waits. Thrown from Bubble::Run.
class Deadlock : public Panic {
 public:
  using Panic::Panic;
};

}  // namespace afterleak
