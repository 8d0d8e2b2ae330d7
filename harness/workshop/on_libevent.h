// The exercise on libevent: what it defines and its check calls. The promise is at the top of its
// file. Times are timevals there.
#pragma once

#include <event2/event.h>
#include <sys/time.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "afterleak/census/clock.h"

namespace workshop {

using afterleak::Duration;
using namespace std::chrono_literals;

using Events = short;  // NOLINT(google-runtime-int): libevent's

inline timeval ToTimeval(Duration span) {
  return {.tv_sec = span / 1s, .tv_usec = span % 1s / 1us};
}

// 15_maintenance
void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int> signal)> ended);

}  // namespace workshop
