#include "stage/trace_events.h"

#include <chrono>

namespace afterleak::trace {

double Microseconds(Duration span) {
  return std::chrono::duration<double, std::micro>(span).count();
}

Json Meta(std::string_view what, int pid, int tid, const Json& args) {
  return {{"ph", "M"}, {"name", what}, {"pid", pid}, {"tid", tid}, {"args", args}};
}

Json Counter(std::string_view name, int pid, Time at, const Json& values) {
  return {{"ph", "C"}, {"name", name}, {"pid", pid}, {"ts", Microseconds(at)}, {"args", values}};
}

Json Instant(std::string_view name, int pid, int tid, Time at) {
  return {{"ph", "i"},  {"name", name}, {"s", "t"},
          {"pid", pid}, {"tid", tid},   {"ts", Microseconds(at)}};
}

std::string FileOf(const Json& events) {
  std::string out = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  for (std::size_t i = 0; i < events.size(); ++i) {
    // What stands in a binary need not be UTF-8.
    out += events[i].dump(-1, ' ', false, Json::error_handler_t::replace);
    out += i + 1 < events.size() ? ",\n" : "\n";
  }
  return out + "]}\n";
}

}  // namespace afterleak::trace
