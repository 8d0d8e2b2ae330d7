// What the services have in common: an HTTP server that looks up what it is asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace services {

// Nothing if it is busy: then it is asked again.
using Store = std::function<std::optional<std::string>(const std::string& key)>;

constexpr std::chrono::milliseconds kPause(100);    // until it is asked again
constexpr std::chrono::seconds kAnswersWithin(30);  // or the answer is 503
constexpr std::chrono::seconds kKeepsOpenFor(60);   // a connection on which nothing is asked

// It listens on the loopback interface from the moment it is made.
class Service {
 public:
  virtual ~Service() = default;
  virtual std::uint16_t port() const = 0;
  virtual void Run() = 0;   // until Stop
  virtual void Stop() = 0;  // by any thread
};

}  // namespace services

// Each program has one service, with both of its sides.
namespace leaky {
std::unique_ptr<services::Service> MakeServer(services::Store store);
}
namespace fixed {
std::unique_ptr<services::Service> MakeServer(services::Store store);
}
