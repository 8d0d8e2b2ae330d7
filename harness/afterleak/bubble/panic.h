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

// A virtual bubble cannot go on, and waiting would not help: its goroutines keep each other busy
// while time stands still, or one of them spins or waits for something outside of the bubble, such
// as a std::mutex. what() says which, and lists each goroutine with its line, and the census.
// Thrown from Run and Advance; after that, the bubble can only be looked at and destroyed.
class Stuck : public Panic {
 public:
  using Panic::Panic;
};

}  // namespace afterleak
