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

}  // namespace

Census::Census() {
  sites_.Grow();
  records_.Grow();
}

void Census::KeepJournal(std::function<Time()> now) {
  journal_ = std::make_unique<Journal>(std::move(now));
}

// The key is the address where the compiler keeps the file's name, not the name: two translation
// units may spell one line twice, and Report() joins them.
inline Census::Site& Census::SiteOf(const TimerKind& kind, const std::source_location& where) {
  const std::uintptr_t key = reinterpret_cast<std::uintptr_t>(where.file_name()) ^
                             reinterpret_cast<std::uintptr_t>(&kind) ^
                             (std::uintptr_t{where.line()} << 20) ^ where.column();
  Site*& bucket = site_buckets_[(key * 0x9E3779B97F4A7C15u) >> 56];
  for (Site* site = bucket; site != nullptr; site = site->next) {
    if (site->line == where.line() && site->column == where.column() && site->kind == &kind &&
        site->file == where.file_name())
      return *site;
  }
  return *(bucket = &AddSite(kind, where, bucket));
}

Census::Site& Census::AddSite(const TimerKind& kind, const std::source_location& where,
                              Site* next) {
  const auto id = static_cast<std::uint32_t>(sites_.Grow());
  sites_[id] = {.file = where.file_name(),
                .function = where.function_name(),
                .kind = &kind,
                .next = next,
                .id = id,
                .line = where.line(),
                .column = where.column(),
                .armed = 0,
                .live = 0,
                .abandoned = 0,
                .live_bytes = 0};
  return sites_[id];
}

Census::Ticket Census::Arm(const TimerKind& kind, const std::source_location& where,
                           std::uint32_t bytes, Time now, Time deadline) {
  bytes &= 0x7fffffffu;  // as much as a record has room for
  Site& site = SiteOf(kind, where);
  if (free_ == 0) [[unlikely]]
    free_ = static_cast<Ticket>(records_.Grow());
  const Ticket ticket = free_;
  if (journal_ != nullptr) journal_->Arm(ticket, kind, where, now, deadline);

  // Nothing throws from here on: the timer is either counted or not.
  free_ = static_cast<Ticket>(records_[ticket].armed_at);
  ++site.armed;
  ++site.live;
  site.live_bytes += bytes;

  ++totals_.armed;
  totals_.peak_live = std::max(totals_.peak_live, ++totals_.live);
  totals_.rooted += kind.rooted;
  totals_.live_bytes += bytes;

  records_[ticket] = {.armed_at = now.time_since_epoch().count(),
                      .deadline = deadline.time_since_epoch().count(),
                      .site = site.id,
                      .bytes = bytes & 0x7fffffffu,
                      .abandoned = 0};
  return ticket;
}

void Census::Abandon(Ticket ticket, Time now) {
  Record& record = records_[ticket];
  Site& site = sites_[record.site];
  record.abandoned = 1;
  ++site.abandoned;
  totals_.peak_abandoned = std::max(totals_.peak_abandoned, ++totals_.abandoned);
  totals_.abandoned_bytes += record.bytes;
  if (!site.kind->periodic) {
    // A real clock may be late to fire what is due; then no time was left.
    const std::chrono::duration<double> left =
        std::max(Duration(record.deadline) - now.time_since_epoch(), Duration::zero());
    totals_.byte_seconds_lost += record.bytes * left.count();
  }
  if (journal_ != nullptr) journal_->Abandon(ticket, now);
}

void Census::Tick(Ticket ticket, Time deadline) {
  ++totals_.ticks;
  records_[ticket].deadline = deadline.time_since_epoch().count();
  if (journal_ != nullptr) journal_->Tick(ticket);
}

void Census::Fire(Ticket ticket) {
  ++totals_.fired;
  totals_.fired_unheard += Close(ticket, TimerEnd::kFired);
}

void Census::FireReceived(Ticket ticket) {
  ++totals_.fired;
  Close(ticket, TimerEnd::kReceived);
}

void Census::Stop(Ticket ticket) {
  ++totals_.stopped;
  Close(ticket, TimerEnd::kStopped);
}

void Census::Collect(Ticket ticket) {
  ++totals_.collected;
  Close(ticket, TimerEnd::kCollected);
}

bool Census::Close(Ticket ticket, TimerEnd end) {
  Record& record = records_[ticket];
  Site& site = sites_[record.site];
  const bool abandoned = record.abandoned != 0;
  --site.live;
  site.live_bytes -= record.bytes;
  --totals_.live;
  totals_.rooted -= site.kind->rooted;
  totals_.live_bytes -= record.bytes;
  if (abandoned) {
    --site.abandoned;
    --totals_.abandoned;
    totals_.abandoned_bytes -= record.bytes;
  }
  record = {.armed_at = free_, .deadline = 0, .site = 0, .bytes = 0, .abandoned = 0};
  free_ = ticket;
  if (journal_ != nullptr) journal_->End(ticket, end);
  return abandoned;
}

CensusReport Census::Report(Time now) const {
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

  std::map<std::tuple<std::string_view, std::uint32_t, std::string_view, std::string_view>,
           SiteReport>
      joined;
  for (std::size_t id = 1; id < sites_.size(); ++id) {
    const Site& site = sites_[id];
    const Span& span = spans[id];
    SiteReport& row = joined[{site.file, site.line, site.function, site.kind->name}];
    if (site.live > 0) {
      const Duration shortest = -Since(span.first_deadline, now);
      row.shortest_left = row.live == 0 ? shortest : std::min(row.shortest_left, shortest);
      row.longest_left = std::max(row.longest_left, -Since(span.last_deadline, now));
      row.oldest_age = std::max(row.oldest_age, Since(span.first_armed, now));
    }
    row.file = site.file;
    row.line = site.line;
    row.function = ShortFunction(site.function);
    row.kind = site.kind->name;
    row.armed += site.armed;
    row.live += site.live;
    row.abandoned += site.abandoned;
    row.live_bytes += site.live_bytes;
  }

  CensusReport report{.at = now, .totals = totals_, .sites = {}};
  for (auto& [key, row] : joined) report.sites.push_back(std::move(row));
  std::ranges::sort(report.sites, [](const SiteReport& a, const SiteReport& b) {
    return std::tie(b.abandoned, b.live, a.file, a.line, a.function, a.kind) <
           std::tie(a.abandoned, a.live, b.file, b.line, b.function, b.kind);
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
    out += fmt::format("      {}:{} {}\n", site.file, site.line, site.function);
  }
  return out;
}

}  // namespace afterleak
