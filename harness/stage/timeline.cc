#include "stage/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "afterleak/census/duration.h"
#include "afterleak/census/site.h"
#include "stage/probe.h"

namespace afterleak {
namespace {

// Seconds with as many digits as they need: what spreadsheets and gnuplot can read.
std::string Seconds(Duration d) {
  return fmt::format("{}", std::chrono::duration<double>(d).count());
}

nlohmann::ordered_json ToJson(const Sample& sample) {
  const CensusTotals& c = sample.census;
  nlohmann::ordered_json json = {
      {"t_ns", sample.at.count()}, {"live", c.live},           {"abandoned", c.abandoned},
      {"rooted", c.rooted},        {"armed", c.armed},         {"fired", c.fired},
      {"stopped", c.stopped},      {"collected", c.collected}, {"ticks", c.ticks}};
  if (heap::Counting()) {
    json["heap_blocks"] = sample.heap.live_blocks;
    json["heap_bytes"] = sample.heap.live_bytes;
  }
  for (const GoroutineReport& g : sample.goroutines) {
    json["goroutines"].push_back(nlohmann::ordered_json{
        {"waits_for", g.waits_for}, {"file", g.file}, {"line", g.line}, {"function", g.function}});
  }
  return json;
}

// Instants are counted from the start; null means never, or not yet.
nlohmann::ordered_json ToJson(std::optional<Time> instant) {
  if (!instant || *instant == Time::max()) return nullptr;
  return instant->time_since_epoch().count();
}

nlohmann::ordered_json ToJson(const TimerLife& life) {
  nlohmann::ordered_json json = {{"kind", life.kind->name},
                                 {"file", life.site.file_name()},
                                 {"line", life.site.line()},
                                 {"function", ShortFunction(life.site.function_name())},
                                 {"armed_ns", ToJson(life.armed)},
                                 {"deadline_ns", ToJson(life.deadline)},
                                 {"abandoned_ns", ToJson(life.abandoned)},
                                 {"ended_ns", ToJson(life.ended)},
                                 {"end", ToString(life.end)}};
  if (life.kind->periodic) {
    json["period_ns"] = (life.deadline - life.armed).count();
    json["ticks_ns"] = nlohmann::ordered_json::array();
    for (const Time tick : life.ticks) json["ticks_ns"].push_back(ToJson(tick));
  }
  return json;
}

nlohmann::ordered_json ToJson(const SiteReport& site) {
  return {{"file", site.file},
          {"line", site.line},
          {"function", site.function},
          {"kind", site.kind},
          {"armed", site.armed},
          {"live", site.live},
          {"abandoned", site.abandoned},
          {"live_bytes", site.live_bytes},
          {"oldest_age_ns", site.oldest_age.count()},
          {"shortest_left_ns", site.shortest_left.count()},
          {"longest_left_ns", site.longest_left.count()}};
}

}  // namespace

Timeline RunPattern(const Pattern& pattern, const RunOptions& options,
                    const std::stop_token& stop) {
  Bubble bubble(options.bubble);
  return RunPattern(pattern, options, bubble, stop);
}

Timeline RunPattern(const Pattern& pattern, const RunOptions& options, Bubble& bubble,
                    const std::stop_token& stop) {
  Timeline timeline{.pattern = pattern.name, .options = options};
  const heap::Scope scope;
  const std::stop_callback on_stop(stop, [&] { bubble.Interrupt(); });
  pattern.stage({bubble, options.variant, options.workload, options.tempo});

  const heap::Scope::Suspend ours;  // from here on it is our work, not the pattern's
  const std::function<void(Duration)> sample_at = [&](Duration at) {
    bubble.SampleAt(Time(at), [&, at] {
      timeline.samples.push_back({.at = at, .census = bubble.Totals(), .heap = scope.usage()});
      if (options.bubble.journal) timeline.samples.back().goroutines = bubble.Goroutines();
      if (options.length - at >= options.sample) sample_at(at + options.sample);
    });
  };
  sample_at(Duration::zero());
  for (const Duration at : options.checkpoints)
    bubble.SampleAt(Time(at), [at] { probe::Checkpoint(at); });
  bubble.AdvanceTo(options.length);
  timeline.interrupted = stop.stop_requested();
  timeline.report = bubble.Report();
  timeline.lives = bubble.Lives();
  return timeline;
}

Judgement Judge(const Timeline& timeline) {
  std::int64_t first_half = 0;
  std::int64_t second_half = 0;
  const Sample* worst = nullptr;
  for (const Sample& sample : timeline.samples) {
    if (worst == nullptr || sample.census.abandoned > worst->census.abandoned) worst = &sample;
    std::int64_t& peak = sample.at <= timeline.options.length / 2 ? first_half : second_half;
    peak = std::max(peak, sample.census.live);
  }
  if (worst != nullptr && worst->census.abandoned > 0) {
    return {Verdict::kLeak,
            fmt::format("at {} nobody can hear {} of {} live timers", FormatDuration(worst->at),
                        worst->census.abandoned, worst->census.live)};
  }
  if (second_half > first_half) {
    return {Verdict::kLeak,
            fmt::format("live timers grow: at most {} until {}, then up to {}", first_half,
                        FormatDuration(timeline.options.length / 2), second_half)};
  }
  return {Verdict::kBounded, fmt::format("never more than {} live, none abandoned",
                                         std::max(first_half, second_half))};
}

std::string ToCsv(const Timeline& timeline) {
  const bool heap = heap::Counting();
  std::string out = "t_s,live,abandoned,rooted,armed,fired,stopped,collected,ticks";
  out += heap ? ",heap_blocks,heap_bytes\n" : "\n";
  for (const Sample& s : timeline.samples) {
    const CensusTotals& c = s.census;
    out += fmt::format("{},{},{},{},{},{},{},{},{}", Seconds(s.at), c.live, c.abandoned, c.rooted,
                       c.armed, c.fired, c.stopped, c.collected, c.ticks);
    out += heap ? fmt::format(",{},{}\n", s.heap.live_blocks, s.heap.live_bytes) : "\n";
  }
  return out;
}

std::string ToJson(const Timeline& timeline) {
  const RunOptions& o = timeline.options;
  const CensusTotals& c = timeline.report.totals;
  const Judgement judgement = Judge(timeline);
  nlohmann::ordered_json json = {
      {"pattern", timeline.pattern},
      {"variant", ToString(o.variant)},
      {"workload", o.workload.ToString()},
      {"for_ns", o.length.count()},
      {"tempo", o.tempo},
      {"clock", o.bubble.clock == ClockKind::kVirtual ? "virtual" : "real"},
      {"timers", ToString(o.bubble.timers)},
      {"seed", o.bubble.seed},
      {"interrupted", timeline.interrupted},
      {"verdict", nullptr},
      {"why", judgement.why},
      {"at_ns", timeline.report.at.time_since_epoch().count()},
      {"peak_live", c.peak_live},
      {"peak_abandoned", c.peak_abandoned},
      {"fired_unheard", c.fired_unheard},
      {"byte_seconds_lost", c.byte_seconds_lost},
  };
  // What has leaked has leaked; that nothing leaks shows only at the end.
  if (judgement.verdict == Verdict::kLeak) {
    json["verdict"] = "leak";
  } else if (!timeline.interrupted) {
    json["verdict"] = "bounded";
  }
  for (const SiteReport& site : timeline.report.sites) json["sites"].push_back(ToJson(site));
  json["samples"] = nlohmann::ordered_json::array();
  for (const Sample& sample : timeline.samples) json["samples"].push_back(ToJson(sample));
  for (const TimerLife& life : timeline.lives) json["journal"].push_back(ToJson(life));
  return json.dump(1) + "\n";
}

}  // namespace afterleak
