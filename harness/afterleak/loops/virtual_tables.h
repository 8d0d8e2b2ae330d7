// What a world in virtual time keeps besides its threads: events, and timers behind descriptors.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "afterleak/census/clock.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {

struct World::Tables {
  struct Timer {
    bool wall = false;  // its clock
    Time deadline = Time::max();
    Duration interval{};
  };
  struct Order {
    Time instant;
    bool sample;
    std::uint64_t number;
    auto operator<=>(const Order&) const = default;
  };
  struct Asleep {
    Member* member;
    std::int64_t switches;
    bool operator==(const Asleep&) const = default;
  };

  std::map<int, Timer> timers{};  // by descriptor
  std::map<Order, std::function<void()>> events{};
  std::uint64_t next_event = 0;
  std::string refused{};         // the first line
  std::exception_ptr failure{};  // what a thread or an event threw
  std::vector<pid_t> exiting{};  // threads that have ended, but are still there for who joins them
  std::vector<pollfd> polled{};
  std::vector<Asleep> asleep{};
  std::vector<Asleep> still_asleep{};

  Time NextTimer() const;
  void FireTimers(Time instant);  // those that are due by then
};

}  // namespace afterleak::loops::internal
