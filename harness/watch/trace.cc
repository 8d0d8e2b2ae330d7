#include "watch/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "stage/trace_events.h"
#include "watch/text.h"

namespace afterleak::watch {
namespace {

constexpr int kProgram = 1;
constexpr int kWords = 1;

// With its callers, by which two sites may differ.
std::string NameOf(const SiteRow& row) {
  std::string name = fmt::format("{} at {} {}", row.kind, SiteOf(row), row.function);
  if (!row.called_from.empty()) name += fmt::format(" < {}", fmt::join(row.called_from, " < "));
  return name;
}

}  // namespace

std::string Trace::Text(const Report& report) {
  trace::Json events = trace::Json::array();
  events.push_back(trace::Meta("process_name", kProgram, 0, {{"name", report.command}}));
  events.push_back(trace::Meta("thread_name", kProgram, kWords, {{"name", "words of the judge"}}));
  const auto since_start = [&report](Time at) { return Time(at - report.began); };
  for (const Windows::Sample& sample : report.samples) {
    events.push_back(trace::Counter("all timers", kProgram, since_start(sample.at),
                                    {{"live", sample.live}, {"idle", sample.idle}}));
  }
  for (const SiteRow& row : report.sites) {
    if (row.armed == 0 && row.idle == 0) continue;  // made there, and armed elsewhere
    const std::string name = NameOf(row);
    for (std::size_t i = 0; i < row.window_live.size(); ++i) {
      events.push_back(
          trace::Counter(name, kProgram, since_start(report.samples[i].at),
                         {{"live", row.window_live[i]}, {"peak", row.window_peaks[i]}}));
    }
    const auto [known, is_new] = words_.try_emplace(name, row.word);
    if (is_new || known->second != row.word) {
      told_.push_back(
          {Time(report.watched), fmt::format("{}: {}", ToString(row.word), name), row.evidence});
      known->second = row.word;
    }
  }
  for (const Told& told : told_) {
    trace::Json& mark = events.emplace_back(trace::Instant(told.word, kProgram, kWords, told.at));
    if (!told.evidence.empty()) mark["args"] = {{"evidence", told.evidence}};
  }
  return trace::FileOf(events);
}

}  // namespace afterleak::watch
