#include "stage/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "afterleak/census/duration.h"
#include "stage/trace_events.h"

namespace afterleak {
namespace {

using trace::Json;
using trace::Meta;
using trace::Microseconds;

// For the viewers that accept it; Perfetto derives a colour from each name.
std::string_view Color(TimerEnd end) {
  switch (end) {
    case TimerEnd::kReceived:
      return "good";
    case TimerEnd::kFired:
      return "generic_work";
    case TimerEnd::kFiredUnheard:
      return "terrible";
    case TimerEnd::kStopped:
    case TimerEnd::kCollected:
      return "grey";
    case TimerEnd::kLive:
      return "bad";
  }
  return "";
}

std::string Line(const TimerLife& life) {
  return fmt::format("{}:{} {}", life.site.file_name(), life.site.line(), life.kind->name);
}

Json Slice(const TimerLife& life, Time until, int pid, int tid) {
  Json args = {{"armed by", Line(life)}, {"armed", FormatDuration(life.armed.time_since_epoch())}};
  if (life.deadline != Time::max())
    args["deadline"] = FormatDuration(life.deadline.time_since_epoch());
  if (life.abandoned) args["abandoned"] = FormatDuration(life.abandoned->time_since_epoch());
  return {{"ph", "X"},
          {"name", ToString(life.end)},
          {"cat", life.kind->name},
          {"cname", Color(life.end)},
          {"pid", pid},
          {"tid", tid},
          {"ts", Microseconds(life.armed)},
          {"dur", Microseconds(until - life.armed)},
          {"args", args}};
}

// Gives each slice the first lane of its line that is free at its start.
class Lanes {
 public:
  // The lane's number, counted from 0 among those of `line`.
  std::size_t Take(const std::string& line, Time from, Time until) {
    std::vector<Time>& free_from = by_line_[line];
    const auto lane = std::ranges::find_if(free_from, [&](Time t) { return t <= from; });
    const auto number = static_cast<std::size_t>(lane - free_from.begin());
    if (lane == free_from.end()) free_from.emplace_back();
    free_from[number] = until;
    return number;
  }

 private:
  std::map<std::string, std::vector<Time>> by_line_;
};

void AddRun(const Timeline& run, int pid, Json& events) {
  events.push_back(Meta("process_name", pid, 0,
                        {{"name", fmt::format("{} {}, {}", ToString(run.options.variant),
                                              run.pattern, run.options.workload.ToString())}}));
  events.push_back(Meta("process_sort_index", pid, 0, {{"sort_index", pid}}));

  const Time end(run.options.length);
  Lanes lanes;
  std::map<std::pair<std::string, std::size_t>, int> tids;  // by line and lane
  for (const TimerLife& life : run.lives) {
    const Time until = life.ended.value_or(end);
    const std::size_t lane = lanes.Take(Line(life), life.armed, until);
    const auto [tid, is_new] = tids.try_emplace({Line(life), lane}, tids.size() + 1);
    if (is_new) {
      events.push_back(Meta("thread_name", pid, tid->second,
                            {{"name", fmt::format("{} #{}", Line(life), lane + 1)}}));
    }
    events.push_back(Slice(life, until, pid, tid->second));
    for (const Time tick : life.ticks)
      events.push_back(trace::Instant("tick", pid, tid->second, tick));
  }
  for (const Sample& sample : run.samples) {
    events.push_back(
        trace::Counter("timers", pid, Time(sample.at),
                       {{"live", sample.census.live}, {"abandoned", sample.census.abandoned}}));
  }
}

}  // namespace

std::string ToTrace(const std::vector<Timeline>& runs) {
  Json events = Json::array();
  int pid = 0;
  for (const Timeline& run : runs) AddRun(run, ++pid, events);
  return trace::FileOf(events);
}

}  // namespace afterleak
