// What the ledger has counted, as people read it: by place, and as a table.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "afterleak/census/census.h"
#include "afterleak/census/duration.h"

namespace afterleak {
namespace {

// Two call stacks may be one place.
void Join(SiteReport& row, const SiteReport& more) {
  if (more.live > 0) {
    row.shortest_left =
        row.live == 0 ? more.shortest_left : std::min(row.shortest_left, more.shortest_left);
    row.longest_left = std::max(row.longest_left, more.longest_left);
    row.oldest_age = std::max(row.oldest_age, more.oldest_age);
  }
  row.armed += more.armed;
  row.live += more.live;
  row.abandoned += more.abandoned;
  row.live_bytes += more.live_bytes;
  row.bytes_each = std::max(row.bytes_each, more.bytes_each);
  row.peak_live += more.peak_live;
  row.peak_abandoned += more.peak_abandoned;
  row.ever_abandoned += more.ever_abandoned;
  row.fired += more.fired;
  row.stopped += more.stopped;
  row.put_off += more.put_off;
  row.ticks += more.ticks;
  row.stale += more.stale;
  row.byte_seconds_lost += more.byte_seconds_lost;
  row.window_peak_live += more.window_peak_live;
  row.longest_timeout = std::max(row.longest_timeout, more.longest_timeout);
  row.outlived += more.outlived;
  row.most_overtaken = std::max(row.most_overtaken, more.most_overtaken);
  row.usually_overtaken = std::max(row.usually_overtaken, more.usually_overtaken);
  row.left_behind += more.left_behind;
  row.works_leaving += more.works_leaving;
  row.works_ended = std::max(row.works_ended, more.works_ended);
}

std::string Left(Duration left) {
  return left > std::chrono::hours(24 * 365 * 100) ? "forever" : FormatDuration(left);
}

// The column is shown where a line armed two things of one kind in two places.
std::string Where(const SiteReport& site, const std::vector<SiteReport>& all) {
  const bool twice = std::ranges::any_of(all, [&](const SiteReport& other) {
    return other.line == site.line && other.column != site.column && other.file == site.file &&
           other.kind == site.kind;
  });
  return twice ? fmt::format("{}:{}:{}", site.file, site.line, site.column)
               : fmt::format("{}:{}", site.file, site.line);
}

}  // namespace

CensusReport NameSites(const CensusCount& count, Resource resource,
                       std::span<const std::string> wrappers) {
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t, std::string,
                      std::vector<std::string>, std::string_view>,
           SiteReport>
      joined;
  for (const CensusCount::At& at : count.sites) {
    if (at.kind->resource != resource) continue;
    Place place = PlaceOf(at.site, wrappers, at.kind->name);
    SiteReport& row = joined[{place.file, place.line, place.column, place.function,
                              place.called_from, at.kind->name}];
    static_cast<Place&>(row) = std::move(place);
    row.kind = at.kind->name;
    row.cure = at.kind->cure;
    Join(row, at.counted);
  }

  CensusReport report{
      .at = count.at, .totals = count.totals[static_cast<std::size_t>(resource)], .sites = {}};
  for (auto& [key, row] : joined) report.sites.push_back(std::move(row));
  std::ranges::sort(report.sites, [](const SiteReport& a, const SiteReport& b) {
    return std::tie(b.abandoned, b.live, a.file, a.line, a.column, a.function, a.called_from,
                    a.kind) < std::tie(a.abandoned, a.live, b.file, b.line, b.column, b.function,
                                       b.called_from, b.kind);
  });
  return report;
}

std::string ToString(const CensusReport& report) {
  const CensusTotals& t = report.totals;
  std::string out = fmt::format("census at {}: {} live, {} abandoned (peak {} and {})\n",
                                FormatDuration(report.at.time_since_epoch()), t.live, t.abandoned,
                                t.peak_live, t.peak_abandoned);
  out += fmt::format("  armed {} = fired {} + stopped {} + collected {} + live {}\n", t.armed,
                     t.fired, t.stopped, t.collected, t.live);
  if (t.fired_unheard > 0)
    out += fmt::format("  of the fired, {} were abandoned before: nobody heard them\n",
                       t.fired_unheard);
  if (t.stale > 0)
    out +=
        fmt::format("  stale values: {} were left in their channels by Stop or Reset\n", t.stale);
  if (t.byte_seconds_lost > 0)
    out += fmt::format("  lost to abandoned timers: {:.0f} byte-seconds\n", t.byte_seconds_lost);
  if (t.live == 0) return out;
  out += fmt::format("  {:>9} {:>9} {:>10}  {:>8}  {:>8}  {}\n", "live", "abandoned", "bytes",
                     "oldest", "left", "armed by");
  for (const SiteReport& site : report.sites) {
    if (site.live == 0) continue;
    out += fmt::format("  {:>9} {:>9} {:>10}  {:>8}  {:>8}  {}\n", site.live, site.abandoned,
                       site.live_bytes, FormatDuration(site.oldest_age), Left(site.longest_left),
                       site.kind);
    out += fmt::format("      {} {}\n", Where(site, report.sites), site.function);
    for (const std::string& caller : site.called_from)
      out += fmt::format("          from {}\n", caller);
  }
  return out;
}

}  // namespace afterleak
