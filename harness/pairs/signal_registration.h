// Pattern signal_registration: a session that listens for signals itself and stops its timer
// as it should.
//
// Leaky: the registration is never ended. It holds its channel forever, and SIGTERM no longer ends
// the process. Fixed: signal::Stop.
#pragma once

#include <optional>

#include "afterleak/afterleak.h"

namespace leaky {
using namespace afterleak;

// Returns the signal that ended the session, or nothing when its time was over.
std::optional<os::Signal> SignalRegistration(Duration length);
}  // namespace leaky

namespace fixed {
using namespace afterleak;

// Returns the signal that ended the session, or nothing when its time was over.
std::optional<os::Signal> SignalRegistration(Duration length);
}  // namespace fixed
