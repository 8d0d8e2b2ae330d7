// The pairs as a programmer of libuv writes them: leaky/libuv/ and fixed/libuv/.
//
// What one of them returns, it gives to the function that it got last. All of it happens in the
// thread of the loop.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "afterleak/census/clock.h"
#include "pairs/looping_select.h"
#include "pairs/loops/messages.h"

namespace pairs {
inline std::uint64_t Milliseconds(afterleak::Duration span) {
  return static_cast<std::uint64_t>(span / std::chrono::milliseconds(1));
}
inline uv_handle_t* Handle(auto* handle) { return reinterpret_cast<uv_handle_t*>(handle); }
}  // namespace pairs

namespace leaky {
// Return also when the sender of the messages has closed.
void LoopingSelect(uv_loop_t* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(uv_loop_t* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(uv_loop_t* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(uv_loop_t* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);
}  // namespace leaky

namespace fixed {
// Return also when the sender of the messages has closed.
void LoopingSelect(uv_loop_t* loop, int messages, LoopTimes times, Work work,
                   std::function<void()> returned);
void EarlyReturn(uv_loop_t* loop, int messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned);

// Returns when the sender of the messages has closed.
void IdleTimeout(uv_loop_t* loop, int messages, Duration quiet, Work work,
                 std::function<void()> returned);

void SignalBeforeExpiry(uv_loop_t* loop, int signal, Duration length,
                        std::function<void(std::optional<int>)> ended);
}  // namespace fixed
