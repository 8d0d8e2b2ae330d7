// Pattern idle_timeout: a loop handles every message, and does something whenever none has come for
// a while. It is the shape of the post that article A quotes.
//
// Leaky: every turn makes a new timer. A message wins the turn, and its timer stays in the timer
// queue until its deadline: r messages a second and d seconds are r * d live timers. Fixed: one
// timer, which each turn stops, drains and starts again. Both sides handle the same messages and
// see the same idle moments, at the same instants.
#pragma once

#include <string>

#include "pairs/looping_select.h"

namespace leaky {
// Polls when no message has come for `quiet`, and again after each further `quiet`. Returns when
// `messages` is closed and drained.
void IdleTimeout(Chan<std::string> messages, Duration quiet, const Work& work);
}  // namespace leaky

namespace fixed {
// Polls when no message has come for `quiet`, and again after each further `quiet`. Returns when
// `messages` is closed and drained.
void IdleTimeout(Chan<std::string> messages, Duration quiet, const Work& work);
}  // namespace fixed
