// The exercise on GLib: what it defines and its check calls. The promise is at the top of its
// file. Times are in milliseconds there.
#pragma once

#include <glib.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "afterleak/census/clock.h"

namespace workshop {

using afterleak::Duration;
using namespace std::chrono_literals;

inline guint Milliseconds(Duration span) { return static_cast<guint>(span / 1ms); }

// 14_delivery
void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done);

}  // namespace workshop
