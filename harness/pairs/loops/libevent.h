// The pairs as a programmer of libevent writes them: leaky/libevent/ and fixed/libevent/.
//
// What one of them returns, it gives to the function that it got last. All of it happens in the
// thread of the loop.
#pragma once

#include <event2/event.h>
#include <sys/time.h>

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
using Events = short;  // NOLINT(google-runtime-int): libevent's

inline timeval ToTimeval(afterleak::Duration span) {
  const auto micros = span / std::chrono::microseconds(1);
  return {.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
}
}  // namespace pairs

namespace leaky {
// Return also when the sender of the messages has closed.
void LoopingSelect(event_base* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(event_base* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(event_base* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(event_base* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);
}  // namespace leaky

namespace fixed {
// Return also when the sender of the messages has closed.
void LoopingSelect(event_base* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(event_base* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(event_base* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(event_base* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);
}  // namespace fixed
