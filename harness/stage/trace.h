// Trace: the life of every timer on a time axis, in the JSON format of Chrome's trace viewer
// and Perfetto (ui.perfetto.dev).
//
// Each run is a process of the trace. Each timer is one slice, from arming to its end, named after
// how it ended, which also decides its colour in the viewers: "received", "fired" (a callback, a
// context, or nobody waiting at that instant), "fired unheard", "stopped", "collected", "live"
// (until the end of the run). Its arguments are its line, its deadline and the instant at which it
// was abandoned. A tick is an instant event. Overlapping slices are put in lanes, one set of lanes
// for each arming line. Live and abandoned timers are counters.
#pragma once

#include <string>
#include <vector>

#include "stage/timeline.h"

namespace afterleak {

// The runs must have been made with Bubble::Options::journal.
std::string ToTrace(const std::vector<Timeline>& runs);

}  // namespace afterleak
