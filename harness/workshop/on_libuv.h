// The exercise on libuv: what it defines and its check calls. The promise is at the top of its
// file. Times are in milliseconds there.
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "afterleak/census/clock.h"

namespace workshop {

using afterleak::Duration;
using namespace std::chrono_literals;

inline std::uint64_t Milliseconds(Duration span) { return static_cast<std::uint64_t>(span / 1ms); }

// 13_heartbeat
class Heartbeat {
 public:
  virtual ~Heartbeat() = default;
};
std::unique_ptr<Heartbeat> StartHeartbeat(uv_loop_t* loop, Duration period,
                                          std::function<void()> beat);

}  // namespace workshop
