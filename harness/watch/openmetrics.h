// A report as numbers for a monitoring system.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "watch/report.h"

namespace afterleak::watch {

// In the text format of Prometheus, version 0.0.4, which node_exporter's textfile collector reads:
// it refuses what OpenMetrics has added to that (state sets, timestamps). `service` tells the
// programs of one machine apart; `period` is how often this is written. Gauges and counters by
// site, and the judge's words as 0 or 1.
std::string ToOpenMetrics(const Report& report, std::string_view service, Duration period,
                          std::chrono::system_clock::time_point now);

}  // namespace afterleak::watch
