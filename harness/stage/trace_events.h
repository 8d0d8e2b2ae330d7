// Events of a trace in the JSON format of Chrome's trace viewer and Perfetto, and the file of them.
// The format: "Trace Event Format", Duksin and others, Google.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "afterleak/census/clock.h"

namespace afterleak::trace {

using Json = nlohmann::ordered_json;

// The viewers count in microseconds.
double Microseconds(Duration span);
inline double Microseconds(Time instant) { return Microseconds(instant.time_since_epoch()); }

// What a process or a thread is called, or where it stands among the others: `what` is
// "process_name", "process_sort_index" or "thread_name".
Json Meta(std::string_view what, int pid, int tid, const Json& args);

Json Counter(std::string_view name, int pid, Time at, const Json& values);

// A mark in one thread.
Json Instant(std::string_view name, int pid, int tid, Time at);

// A line for each event, so that a changed trace has a readable diff.
std::string FileOf(const Json& events);

}  // namespace afterleak::trace
