// Pattern early_return: the same loop, which returns at the first message.
//
// Leaky: the call is over at once, but its two timers are not: after each call one is held for 3 s
// and the other for 30 s. Fixed: leaving the scope stops both.
#pragma once

#include <optional>
#include <string>

#include "pairs/looping_select.h"

namespace leaky {
// Returns the first message, or nothing after times.give_up.
std::optional<std::string> EarlyReturn(Chan<std::string> messages, LoopTimes times);
}  // namespace leaky

namespace fixed {
// Returns the first message, or nothing after times.give_up.
std::optional<std::string> EarlyReturn(Chan<std::string> messages, LoopTimes times);
}  // namespace fixed
