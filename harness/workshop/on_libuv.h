// The exercises on libuv: what they define and their checks call. The promise of each is at the top
// of its file. libuv's times are in milliseconds.
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

// 18_client_test
// Asks a backend. It calls `answered` in the loop's thread: in this call, later, or never.
using Backend =
    std::function<void(const std::string& text, std::function<void(std::string)> answered)>;
class Client {
 public:
  virtual ~Client() = default;
  virtual void Call(const std::string& text,
                    std::function<void(std::optional<std::string>)> done) = 0;
};
std::unique_ptr<Client> NewClient(uv_loop_t* loop, Backend backend, Duration limit);

}  // namespace workshop
