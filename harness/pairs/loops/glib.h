// The pairs as a programmer of GLib writes them: leaky/glib/ and fixed/glib/.
//
// What one of them returns, it gives to the function that it got last. All of it happens in the
// thread of the loop.
#pragma once

#include <glib-unix.h>
#include <glib.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "afterleak/census/clock.h"
#include "pairs/looping_select.h"
#include "pairs/loops/messages.h"

namespace pairs {
inline guint Milliseconds(afterleak::Duration span) {
  return static_cast<guint>(span / std::chrono::milliseconds(1));
}
}  // namespace pairs

namespace leaky {
// Return also when the sender of the messages has closed.
void LoopingSelect(int messages, LoopTimes times, Work work, std::function<void()> returned);
void EarlyReturn(int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(int messages, Duration quiet, Work work, std::function<void()> returned);

void SignalBeforeExpiry(int signal, Duration length, std::function<void(std::optional<int>)> ended);
}  // namespace leaky

namespace fixed {
// Return also when the sender of the messages has closed.
void LoopingSelect(int messages, LoopTimes times, Work work, std::function<void()> returned);
void EarlyReturn(int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(int messages, Duration quiet, Work work, std::function<void()> returned);

void SignalBeforeExpiry(int signal, Duration length, std::function<void(std::optional<int>)> ended);
}  // namespace fixed
