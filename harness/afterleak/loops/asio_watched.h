// A program with the hook that `afterleak watch` runs has its waits in the watcher's record, too:
// what is preloaded shows a table of this kind under the name afterleak_watched_asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "afterleak/loops/asio_waits.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::asio_tracking {

struct WatchedAsio {
  // With the return address of Begin, or with a stack if there are frames.
  void (*begin)(Wait wait, Clock clock, std::chrono::nanoseconds left, const void* caller,
                std::span<const std::uintptr_t> frames);
  void (*fire)(Wait wait);
  void (*stop)(Wait wait);
};

const internal::LoopTimer& TimerOf(Clock clock);

}  // namespace afterleak::loops::asio_tracking
