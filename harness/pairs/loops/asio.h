// The pairs as a programmer of Asio writes them: leaky/asio/ and fixed/asio/.
//
// What one of them returns, it gives to the function that it got last. All of it happens in the
// thread of the loop.
#pragma once

#include <asio.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "afterleak/census/clock.h"
#include "pairs/looping_select.h"
#include "pairs/loops/messages.h"

namespace leaky {
// Return also when the sender of the messages has closed.
void LoopingSelect(asio::posix::stream_descriptor& messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(asio::posix::stream_descriptor& messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(asio::posix::stream_descriptor& messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(asio::io_context& loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);
}  // namespace leaky

namespace fixed {
// Return also when the sender of the messages has closed.
void LoopingSelect(asio::posix::stream_descriptor& messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(asio::posix::stream_descriptor& messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(asio::posix::stream_descriptor& messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(asio::io_context& loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);

// The same with coroutines: what loses against `||` is cancelled by it.
void LoopingSelectOfCoroutines(asio::posix::stream_descriptor& messages, LoopTimes times, Work work,
                               std::function<void()> returned);
void IdleTimeoutOfCoroutines(asio::posix::stream_descriptor& messages, Duration quiet, Work work,
                             std::function<void()> returned);
}  // namespace fixed
