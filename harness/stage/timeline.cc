#include "stage/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "afterleak/census/duration.h"
#include "afterleak/census/site.h"
#include "stage/probe.h"

namespace afterleak {
namespace {

constexpr int kSchemaVersion = 1;

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

nlohmann::ordered_json ToJson(const Finding& finding) {
  nlohmann::ordered_json json = {{"leak", ToString(finding.leak)},
                                 {"kind", finding.kind},
                                 {"file", finding.file},
                                 {"line", finding.line},
                                 {"column", finding.column},
                                 {"function", finding.function},
                                 {"count", finding.count},
                                 {"bytes", finding.bytes},
                                 {"byte_seconds", finding.byte_seconds},
                                 {"evidence", finding.evidence},
                                 {"cure", finding.cure}};
  if (!finding.waits.empty()) json["waits"] = finding.waits;
  return json;
}

// What the judge sees of a run.
class Judged {
 public:
  explicit Judged(const Allowance& allowed) : allowed_(allowed) {}

  void AddWindow(const Bubble& bubble) {
    for (std::size_t i = 0; i < std::size(kAll); ++i) windows_[i].push_back(bubble.Report(kAll[i]));
  }

  std::vector<Finding> Findings(const Bubble& bubble) const {
    std::vector<Finding> findings;
    for (const Resource resource : kAll)
      Append(findings, JudgeAbandoned(bubble.Report(resource), allowed_));
    for (const auto& windows : windows_) Append(findings, JudgeGrowing(windows, allowed_));
    KeepFirstOfEachSite(findings);
    return findings;
  }

  // The bubble was new, so whatever is alive is left behind.
  void AddLeftBehind(const Bubble& bubble, std::vector<Finding>& findings) const {
    Append(findings, JudgeLeftBehind({}, bubble.Alive(), allowed_));
  }

 private:
  static constexpr Resource kAll[] = {Resource::kTimer, Resource::kContext, Resource::kGoroutine};

  static void Append(std::vector<Finding>& all, std::vector<Finding> more) {
    std::ranges::move(more, std::back_inserter(all));
  }

  const Allowance& allowed_;
  std::vector<CensusReport> windows_[std::size(kAll)];
};

}  // namespace

Timeline RunPattern(const Pattern& pattern, const RunOptions& options,
                    const std::stop_token& stop) {
  Bubble bubble(options.bubble);
  return RunPattern(pattern, options, bubble, stop);
}

Timeline RunPattern(const Pattern& pattern, const RunOptions& options, Bubble& bubble,
                    const std::stop_token& stop) {
  constexpr Duration kInstant{1};
  Timeline timeline{.pattern = pattern.name, .options = options};
  const heap::Scope scope;
  const std::stop_callback on_stop(stop, [&] { bubble.Interrupt(); });
  Stage stage{bubble, options.variant, options.workload, options.tempo};
  if (options.ask_left_behind) stage.load_ends = SaturatingAdd(Time(options.length), kInstant);
  pattern.stage(stage);

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
  Judged judged(options.allowed);
  for (int i = 1; i <= kWindows; ++i) {
    bubble.NextWindow();
    bubble.AdvanceTo(i == kWindows ? options.length : options.length / kWindows * i);
    if (i > kWarmUp && !stop.stop_requested()) judged.AddWindow(bubble);
  }
  timeline.interrupted = stop.stop_requested();
  timeline.report = bubble.Report();
  timeline.lives = bubble.Lives();
  timeline.findings = judged.Findings(bubble);
  if (options.ask_left_behind && !timeline.interrupted) {
    bubble.AdvanceTo(stage.load_ends);
    judged.AddLeftBehind(bubble, timeline.findings);
  }
  return timeline;
}

std::string InShort(const Finding& finding, const CensusTotals& timers) {
  const std::string where = fmt::format("{} at {}:{}", finding.kind, finding.file, finding.line);
  switch (finding.leak) {
    case Leak::kAbandoned:
      if (timers.peak_abandoned == 0)
        return fmt::format("nobody can hear {} {}", finding.count, where);
      return fmt::format("nobody can hear {} of at most {} live timer{}", timers.peak_abandoned,
                         timers.peak_live, timers.peak_live == 1 ? "" : "s");
    case Leak::kLeftBehind:
      return fmt::format("the load is over, and {} {} {}", finding.count, where,
                         !finding.waits.empty() ? "waits in " + finding.waits
                         : finding.count == 1   ? "is left"
                                                : "are left");
    case Leak::kGrowing:
      return fmt::format("{} grows to {}", where, finding.count);
    case Leak::kOutlived:
      return fmt::format("{} {} outlived later ones", finding.count, where);
  }
  return "";
}

std::string Conclusion(const Timeline& timeline) {
  const CensusTotals& timers = timeline.report.totals;
  if (Leaks(timeline)) return InShort(timeline.findings.front(), timers);
  if (!timeline.on.empty())
    return fmt::format("never more than {} live at a sample", timers.peak_live);
  const std::string abandoned =
      timers.peak_abandoned == 0 ? "none" : fmt::format("{} allowed to be", timers.peak_abandoned);
  return fmt::format("never more than {} live, {} abandoned", timers.peak_live, abandoned);
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

namespace {

nlohmann::ordered_json Described(const Timeline& timeline) {
  const RunOptions& o = timeline.options;
  const CensusTotals& c = timeline.report.totals;
  nlohmann::ordered_json json = {
      {"pattern", timeline.pattern},
      {"on", timeline.on},
      {"variant", ToString(o.variant)},
      {"workload", o.workload.ToString()},
      {"for_ns", o.length.count()},
      {"tempo", o.tempo},
      {"clock", o.bubble.clock == ClockKind::kVirtual ? "virtual" : "real"},
      {"timers", ToString(o.bubble.timers)},
      {"seed", o.bubble.seed},
      {"interrupted", timeline.interrupted},
      {"verdict", nullptr},
      {"why", Conclusion(timeline)},
      {"at_ns", timeline.report.at.time_since_epoch().count()},
      {"peak_live", c.peak_live},
      {"peak_abandoned", c.peak_abandoned},
      {"fired_unheard", c.fired_unheard},
      {"byte_seconds_lost", c.byte_seconds_lost},
  };
  if (timeline.on.empty()) json.erase("on");
  // What has leaked has leaked; that nothing leaks shows only at the end.
  if (Leaks(timeline)) {
    json["verdict"] = "leak";
  } else if (!timeline.interrupted) {
    json["verdict"] = "bounded";
  }
  for (const char* list : {"findings", "sites"}) json[list] = nlohmann::ordered_json::array();
  for (const Finding& finding : timeline.findings) json["findings"].push_back(ToJson(finding));
  for (const SiteReport& site : timeline.report.sites) json["sites"].push_back(ToJson(site));
  json["samples"] = nlohmann::ordered_json::array();
  for (const Sample& sample : timeline.samples) json["samples"].push_back(ToJson(sample));
  for (const TimerLife& life : timeline.lives) json["journal"].push_back(ToJson(life));
  return json;
}

}  // namespace

std::string ToJson(const Timeline& timeline) {
  nlohmann::ordered_json json = {{"schema_version", kSchemaVersion}};
  json.update(Described(timeline));
  return json.dump(1) + "\n";
}

std::string ToJson(const Timeline& leaky, const Timeline& fixed) {
  const nlohmann::ordered_json json = {
      {"schema_version", kSchemaVersion}, {"leaky", Described(leaky)}, {"fixed", Described(fixed)}};
  return json.dump(1) + "\n";
}

}  // namespace afterleak
