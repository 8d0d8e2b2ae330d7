// Pattern signal_before_expiry: a session lasts for a given time, or until a signal ends it sooner.
//
// Leaky: a session that a signal ended leaves its timer behind until the time is over. In a process
// that ends with its session this goes unnoticed; in a host that runs one session after another the
// timers add up. Fixed: the session stops its timer.
#pragma once

#include <optional>

#include "afterleak/afterleak.h"

namespace leaky {
using namespace afterleak;

// Returns the signal that ended the session, or nothing when its time was over.
std::optional<os::Signal> SignalBeforeExpiry(Chan<os::Signal> signals, Duration length);
}  // namespace leaky

namespace fixed {
using namespace afterleak;

// Returns the signal that ended the session, or nothing when its time was over.
std::optional<os::Signal> SignalBeforeExpiry(Chan<os::Signal> signals, Duration length);
}  // namespace fixed
