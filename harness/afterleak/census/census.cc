#include "afterleak/census/census.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "afterleak/census/duration.h"
#include "afterleak/census/site.h"

namespace afterleak {
namespace {

Duration Since(std::int64_t instant, Time now) {
  return now.time_since_epoch() - Duration(instant);
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

Census::Census() {
  sites_.Grow();
  records_.Grow();
}

void Census::KeepCallStacks(std::vector<std::string> wrappers) {
  call_stacks_ = true;
  wrappers_ = std::move(wrappers);
}

void Census::KeepJournal(std::function<Time()> now) {
  journal_ = std::make_unique<Journal>(std::move(now));
}

inline Census::Counts& Census::CountsOfLine(const TimerKind& kind, const Site& site) {
  const std::uintptr_t key = site.Hash() ^ reinterpret_cast<std::uintptr_t>(&kind);
  Counts*& bucket = site_buckets_[(key * 0x9E3779B97F4A7C15u) >> 56];
  for (Counts* counts = bucket; counts != nullptr; counts = counts->next) {
    if (counts->kind == &kind && counts->site == site) return *counts;
  }
  return *(bucket = &AddSite(kind, site, bucket));
}

inline Census::Counts& Census::CountsOf(const TimerKind& kind, const Site& site) {
  if (call_stacks_) [[unlikely]]
    return CountsOfLine(kind, site.WithCallStack());
  return CountsOfLine(kind, site);
}

Census::Counts& Census::AddSite(const TimerKind& kind, const Site& site, Counts* next) {
  const auto id = static_cast<std::uint32_t>(sites_.Grow());
  Counts& counts = sites_[id];  // all zero
  counts.site = site;
  counts.kind = &kind;
  counts.totals = &totals_[static_cast<std::size_t>(kind.resource)];
  counts.next = next;
  counts.id = id;
  return counts;
}

Census::Ticket Census::Arm(const TimerKind& kind, const Site& site, std::uint32_t bytes, Time now,
                           Time deadline) {
  bytes &= 0x7fffffffu;  // as much as a record has room for
  Counts& counts = CountsOf(kind, site);
  if (free_ == 0) [[unlikely]]
    free_ = static_cast<Ticket>(records_.Grow());
  const Ticket ticket = free_;
  if (journal_ != nullptr && kind.resource == Resource::kTimer)
    journal_->Arm(ticket, kind, site, now, deadline);

  // Nothing throws from here on: the timer is either counted or not.
  free_ = static_cast<Ticket>(records_[ticket].armed_at);
  ++counts.armed;
  counts.window_peak = std::max(counts.window_peak, ++counts.live);
  counts.bytes_each = bytes;
  counts.live_bytes += bytes;

  CensusTotals& totals = *counts.totals;
  ++totals.armed;
  totals.peak_live = std::max(totals.peak_live, ++totals.live);
  totals.rooted += kind.rooted;
  totals.live_bytes += bytes;

  records_[ticket] = {.armed_at = now.time_since_epoch().count(),
                      .deadline = deadline.time_since_epoch().count(),
                      .site = counts.id,
                      .bytes = bytes & 0x7fffffffu,
                      .abandoned = 0};
  return ticket;
}

void Census::Abandon(Ticket ticket, Time now) {
  Record& record = records_[ticket];
  Counts& counts = sites_[record.site];
  CensusTotals& totals = *counts.totals;
  record.abandoned = 1;
  ++counts.ever_abandoned;
  counts.peak_abandoned = std::max(counts.peak_abandoned, ++counts.abandoned);
  totals.peak_abandoned = std::max(totals.peak_abandoned, ++totals.abandoned);
  totals.abandoned_bytes += record.bytes;
  if (!counts.kind->periodic && record.deadline != Time::max().time_since_epoch().count()) {
    // A real clock may be late to fire what is due; then no time was left.
    const std::chrono::duration<double> left =
        std::max(Duration(record.deadline) - now.time_since_epoch(), Duration::zero());
    counts.byte_seconds_lost += record.bytes * left.count();
    totals.byte_seconds_lost += record.bytes * left.count();
  }
  if (journal_ != nullptr && counts.kind->resource == Resource::kTimer)
    journal_->Abandon(ticket, now);
}

void Census::Tick(Ticket ticket, Time deadline) {
  Record& record = records_[ticket];
  Counts& counts = sites_[record.site];
  ++counts.ticks;
  ++counts.totals->ticks;
  record.deadline = deadline.time_since_epoch().count();
  if (journal_ != nullptr) journal_->Tick(ticket);
}

void Census::Fire(Ticket ticket) {
  const auto [totals, abandoned] = Close(ticket, TimerEnd::kFired);
  ++totals.fired;
  totals.fired_unheard += abandoned;
}

void Census::FireReceived(Ticket ticket) { ++Close(ticket, TimerEnd::kReceived).first.fired; }

void Census::Stop(Ticket ticket) { ++Close(ticket, TimerEnd::kStopped).first.stopped; }

void Census::Collect(Ticket ticket) { ++Close(ticket, TimerEnd::kCollected).first.collected; }

std::pair<CensusTotals&, bool> Census::Close(Ticket ticket, TimerEnd end) {
  Record& record = records_[ticket];
  Counts& counts = sites_[record.site];
  CensusTotals& totals = *counts.totals;
  const bool abandoned = record.abandoned != 0;
  --counts.live;
  counts.live_bytes -= record.bytes;
  --totals.live;
  totals.rooted -= counts.kind->rooted;
  totals.live_bytes -= record.bytes;
  counts.fired += end == TimerEnd::kFired || end == TimerEnd::kReceived;
  counts.stopped += end == TimerEnd::kStopped;
  if (abandoned) {
    --counts.abandoned;
    --totals.abandoned;
    totals.abandoned_bytes -= record.bytes;
  }
  record = {.armed_at = free_, .deadline = 0, .site = 0, .bytes = 0, .abandoned = 0};
  free_ = ticket;
  if (journal_ != nullptr && counts.kind->resource == Resource::kTimer) journal_->End(ticket, end);
  return {totals, abandoned};
}

void Census::CountStale(const TimerKind& kind, const Site& site) {
  Counts& counts = CountsOf(kind, site);
  ++counts.stale;
  ++counts.totals->stale;
}

void Census::NextWindow() {
  for (std::size_t id = 1; id < sites_.size(); ++id) {
    Counts& counts = sites_[id];
    counts.peak = std::max(counts.peak, counts.window_peak);
    counts.window_peak = counts.live;
  }
}

CensusReport Census::Report(Time now, Resource resource) const {
  struct Span {
    std::int64_t first_armed = std::numeric_limits<std::int64_t>::max();
    std::int64_t first_deadline = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_deadline = 0;
  };
  std::vector<Span> spans(sites_.size());
  for (std::size_t i = 1; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (record.site == 0) continue;
    Span& span = spans[record.site];
    span.first_armed = std::min(span.first_armed, record.armed_at);
    span.first_deadline = std::min(span.first_deadline, record.deadline);
    span.last_deadline = std::max(span.last_deadline, record.deadline);
  }

  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t, std::string,
                      std::vector<std::string>, std::string_view>,
           SiteReport>
      joined;
  for (std::size_t id = 1; id < sites_.size(); ++id) {
    const Counts& counts = sites_[id];
    if (counts.kind->resource != resource) continue;
    const Span& span = spans[id];
    Place place = PlaceOf(counts.site, wrappers_);
    SiteReport& row = joined[{place.file, place.line, place.column, place.function,
                              place.called_from, counts.kind->name}];
    static_cast<Place&>(row) = std::move(place);
    if (counts.live > 0) {
      const Duration shortest = -Since(span.first_deadline, now);
      row.shortest_left = row.live == 0 ? shortest : std::min(row.shortest_left, shortest);
      row.longest_left = std::max(row.longest_left, -Since(span.last_deadline, now));
      row.oldest_age = std::max(row.oldest_age, Since(span.first_armed, now));
    }
    row.kind = counts.kind->name;
    row.cure = counts.kind->cure;
    row.armed += counts.armed;
    row.live += counts.live;
    row.abandoned += counts.abandoned;
    row.live_bytes += counts.live_bytes;
    row.bytes_each = std::max<std::int64_t>(row.bytes_each, counts.bytes_each);
    row.peak_live += std::max(counts.peak, counts.window_peak);
    row.peak_abandoned += counts.peak_abandoned;
    row.ever_abandoned += counts.ever_abandoned;
    row.fired += counts.fired;
    row.stopped += counts.stopped;
    row.ticks += counts.ticks;
    row.stale += counts.stale;
    row.byte_seconds_lost += counts.byte_seconds_lost;
    row.window_peak_live += counts.window_peak;
  }

  CensusReport report{.at = now, .totals = totals(resource), .sites = {}};
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
