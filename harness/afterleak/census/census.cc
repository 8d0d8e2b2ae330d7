#include "afterleak/census/census.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "afterleak/census/site.h"

namespace afterleak {
namespace {

// From the end of a unit of work until what it armed ought to be gone.
constexpr Duration kToSettle = std::chrono::milliseconds(100);

Duration Since(std::int64_t instant, Time now) {
  return now.time_since_epoch() - Duration(instant);
}

// One bucket for each number up to 8, and then four for each power of two.
constexpr std::uint64_t kExact = 8;

std::size_t StepOf(std::uint64_t number) {
  if (number < kExact) return static_cast<std::size_t>(number);
  const int power = static_cast<int>(std::bit_width(number)) - 1;  // 3 or more
  return static_cast<std::size_t>(power - 1) * 4 + (number >> (power - 2) & 3);
}

// The largest number that is in a bucket.
std::uint64_t MostIn(std::size_t bucket) {
  if (bucket < kExact) return bucket;
  const std::size_t power = bucket / 4 + 1;
  return ((4 + (bucket & 3) + 1) << (power - 2)) - 1;
}

}  // namespace

Census::Census() {
  sites_.Grow();
  records_.Grow();
}

void Census::KeepCallStacks(std::vector<std::string> wrappers) {
  call_stacks_ = keeps_more_ = true;
  wrappers_ = std::move(wrappers);
}

void Census::KeepOvertaken() { keeps_overtaken_ = keeps_more_ = true; }

void Census::KeepJournal(std::function<Time()> now) {
  journal_ = std::make_unique<Journal>(std::move(now));
  keeps_more_ = true;
}

inline Census::Counts*& Census::BucketOf(const TimerKind& kind, const Site& site) {
  const std::uintptr_t key = site.Hash() ^ reinterpret_cast<std::uintptr_t>(&kind);
  return site_buckets_[(key * 0x9E3779B97F4A7C15u) >> 56];
}

inline Census::Counts* Census::Find(Counts* bucket, const TimerKind& kind, const Site& site) {
  while (bucket != nullptr && (bucket->kind != &kind || bucket->site != site))
    bucket = bucket->next;
  return bucket;
}

Census::Counts& Census::CountsOf(const TimerKind& kind, const Site& line) {
  const Site site = call_stacks_ ? line.WithCallStack() : line;
  Counts*& bucket = BucketOf(kind, site);
  Counts* const known = Find(bucket, kind, site);
  return known != nullptr ? *known : *(bucket = &AddSite(kind, site, bucket));
}

Census::Counts& Census::AddSite(const TimerKind& kind, const Site& site, Counts* next) {
  while (keeps_overtaken_ && crowds_.size() <= sites_.size()) crowds_.Grow();
  const auto id = static_cast<std::uint32_t>(sites_.Grow());
  Counts& counts = sites_[id];  // all zero
  counts.site = site;
  counts.kind = &kind;
  counts.totals = &totals_[static_cast<std::size_t>(kind.resource)];
  counts.next = next;
  counts.id = id;
  return counts;
}

void Census::OpenShelf() {
  if (shelf_ = waiting_; shelf_ != 0) {
    waiting_ = shelves_[shelf_].next;
    free_ = std::exchange(shelves_[shelf_].free, 0);
    return;
  }
  while (keeps_overtaken_ && before_.size() <= records_.size()) before_.Grow();
  while (shelves_.size() <= ShelfOf(records_.size())) shelves_.Grow();
  free_ = static_cast<Ticket>(records_.Grow());
  shelf_ = ShelfOf(free_);
}

inline void Census::PutBack(Ticket ticket, Record& record) {
  const std::uint32_t number = ShelfOf(ticket);
  Ticket& free = number == shelf_ ? free_ : shelves_[number].free;
  if (free == 0 && number != shelf_) shelves_[number].next = std::exchange(waiting_, number);
  record.armed_at = std::exchange(free, ticket);
}

// Nothing throws here: the timer is either counted or not.
inline Census::Ticket Census::Open(Counts& counts, std::uint32_t bytes, Time now, Time deadline) {
  constexpr std::uint32_t kMostBytes = 0x7fffffff;  // as much as a record has room for
  bytes &= kMostBytes;
  if (deadline != Time::max())
    counts.longest_timeout = std::max(counts.longest_timeout, (deadline - now).count());
  ++counts.armed;
  counts.window_peak = std::max(counts.window_peak, ++counts.live);
  counts.bytes_each = bytes;
  counts.live_bytes += bytes;

  CensusTotals& totals = *counts.totals;
  ++totals.armed;
  totals.peak_live = std::max(totals.peak_live, ++totals.live);
  totals.rooted += counts.kind->rooted;
  totals.live_bytes += bytes;

  const Ticket ticket = free_;
  Record& record = records_[ticket];
  free_ = static_cast<Ticket>(record.armed_at);
  record = {.armed_at = now.time_since_epoch().count(),
            .deadline = deadline.time_since_epoch().count(),
            .site = counts.id,
            .bytes = bytes & kMostBytes,  // once more, or g++ warns of what it does not see
            .abandoned = 0};
  return ticket;
}

// No more than a turn of a loop needs, and no call: so it saves no registers.
Census::Ticket Census::Arm(const TimerKind& kind, const Site& site, std::uint32_t bytes, Time now,
                           Time deadline) {
  Counts* const counts = Find(BucketOf(kind, site), kind, site);
  if (keeps_more_ || counts == nullptr || free_ == 0) [[unlikely]]
    return ArmWithMore(kind, site, bytes, now, deadline);
  return Open(*counts, bytes, now, deadline);
}

Census::Ticket Census::ArmWithMore(const TimerKind& kind, const Site& site, std::uint32_t bytes,
                                   Time now, Time deadline) {
  Counts& counts = CountsOf(kind, site);
  if (free_ == 0) OpenShelf();
  if (journal_ != nullptr && kind.resource == Resource::kTimer)
    journal_->Arm(free_, kind, site, now, deadline);
  if (keeps_overtaken_) before_[free_] = BeforeOneOf(counts, counts.live);
  return Open(counts, bytes, now, deadline);
}

bool Census::PutOff(Ticket ticket, const TimerKind& kind, Time now, Time deadline) {
  Record& record = records_[ticket];
  Counts& counts = sites_[record.site];
  if (record.abandoned != 0 || counts.kind->periodic != kind.periodic) return false;
  works_.Forget(ticket);
  for (std::int64_t* const count : {&counts.armed, &counts.stopped, &counts.put_off,
                                    &counts.totals->armed, &counts.totals->stopped})
    ++*count;
  if (deadline != Time::max())
    counts.longest_timeout = std::max(counts.longest_timeout, (deadline - now).count());
  record.armed_at = now.time_since_epoch().count();
  record.deadline = deadline.time_since_epoch().count();
  if (keeps_overtaken_) before_[ticket] = BeforeOneOf(counts, counts.live - 1);
  return true;
}

void Census::Abandon(Ticket ticket, Time now) {
  Record& record = records_[ticket];
  Counts& counts = sites_[record.site];
  CensusTotals& totals = *counts.totals;
  // Before the bit beside them is written: a load that spans a store of fewer bytes waits for it.
  const std::uint32_t bytes = record.bytes;
  record.abandoned = 1;
  ++counts.ever_abandoned;
  counts.peak_abandoned = std::max(counts.peak_abandoned, ++counts.abandoned);
  totals.peak_abandoned = std::max(totals.peak_abandoned, ++totals.abandoned);
  totals.abandoned_bytes += bytes;
  if (!counts.kind->periodic && record.deadline != Time::max().time_since_epoch().count()) {
    // A real clock may be late to fire what is due; then no time was left.
    const std::chrono::duration<double> left =
        std::max(Duration(record.deadline) - now.time_since_epoch(), Duration::zero());
    counts.byte_seconds_lost += bytes * left.count();
    totals.byte_seconds_lost += bytes * left.count();
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
  works_.Forget(ticket);
  if (keeps_overtaken_) {
    Crowd& crowd = crowds_[record.site];
    const std::uint64_t overtaken = OvertakenBy(ticket, counts);
    ++crowd.ended[StepOf(overtaken)];
    if (end == TimerEnd::kStopped)
      crowd.most_of_stopped = std::max(crowd.most_of_stopped, overtaken);
  }
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
  record = {};
  PutBack(ticket, record);
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

std::uint64_t Census::OvertakenBy(Ticket ticket, const Counts& counts) const {
  const Before& before = before_[ticket];
  const std::uint32_t since = BeforeOneOf(counts, 0).stopped - before.stopped;
  return since > before.live ? since - before.live : 0;
}

// A leaked timer may have expired since, so of those that did the last in a hundred do not count;
// but what was stopped was not forgotten.
std::uint64_t Census::UsuallyOvertakenBy(std::size_t site) const {
  const Crowd& crowd = crowds_[site];
  std::uint64_t all = 0;
  for (const std::uint32_t count : crowd.ended) all += count;
  std::size_t bucket = 0;
  for (std::uint64_t seen = crowd.ended[0]; seen * 100 < all * 99; seen += crowd.ended[bucket])
    ++bucket;
  return std::max(MostIn(bucket), crowd.most_of_stopped);
}

CensusCount Census::Count(Time now) const {
  CensusCount count{.at = now, .totals = totals_, .sites = {}};
  struct Live {
    std::int64_t first_armed = std::numeric_limits<std::int64_t>::max();
    std::int64_t first_deadline = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_deadline = 0;
    std::uint64_t usually = 0;
    std::uint64_t most = 0;
    std::int64_t outlived = 0;
    std::int64_t left_behind = 0;
    std::vector<std::uint32_t> leaving{};
  };
  std::vector<Live> of_site(sites_.size());
  for (std::size_t id = 1; keeps_overtaken_ && id < sites_.size(); ++id)
    of_site[id].usually = UsuallyOvertakenBy(id);
  for (std::size_t i = 1; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (record.site == 0) continue;
    Live& live = of_site[record.site];
    live.first_armed = std::min(live.first_armed, record.armed_at);
    live.first_deadline = std::min(live.first_deadline, record.deadline);
    live.last_deadline = std::max(live.last_deadline, record.deadline);
    if (const std::uint32_t work = works_.EndedWorkOf(i, now - kToSettle)) {
      ++live.left_behind;
      live.leaving.push_back(work);
    }
    if (!keeps_overtaken_) continue;
    const std::uint64_t overtaken = OvertakenBy(static_cast<Ticket>(i), sites_[record.site]);
    live.most = std::max(live.most, overtaken);
    live.outlived += overtaken > 2 * live.usually + 10;
  }
  count.sites.reserve(sites_.size());
  for (std::size_t id = 1; id < sites_.size(); ++id) {
    const Counts& counts = sites_[id];
    Live& live = of_site[id];
    CensusCount::At& at = count.sites.emplace_back(counts.site, counts.kind);
    SiteReport& row = at.counted;
    if (counts.live > 0) {
      row.shortest_left = -Since(live.first_deadline, now);
      row.longest_left = -Since(live.last_deadline, now);
      row.oldest_age = Since(live.first_armed, now);
    }
    row.armed = counts.armed;
    row.live = counts.live;
    row.abandoned = counts.abandoned;
    row.live_bytes = counts.live_bytes;
    row.bytes_each = counts.bytes_each;
    row.peak_live = std::max(counts.peak, counts.window_peak);
    row.peak_abandoned = counts.peak_abandoned;
    row.ever_abandoned = counts.ever_abandoned;
    row.fired = counts.fired;
    row.stopped = counts.stopped;
    row.put_off = counts.put_off;
    row.ticks = counts.ticks;
    row.stale = counts.stale;
    row.byte_seconds_lost = counts.byte_seconds_lost;
    row.window_peak_live = counts.window_peak;
    row.longest_timeout = Duration(counts.longest_timeout);
    row.outlived = counts.stopped - counts.put_off >= kStopsToOutlive ? live.outlived : 0;
    row.most_overtaken = static_cast<std::int64_t>(live.most);
    row.usually_overtaken = static_cast<std::int64_t>(live.usually);
    std::ranges::sort(live.leaving);
    row.left_behind = live.left_behind;
    row.works_leaving = std::ranges::unique(live.leaving).begin() - live.leaving.begin();
    row.works_ended = works_.ended();
  }
  return count;
}

CensusReport Census::Report(Time now, Resource resource) const {
  return NameSites(Count(now), resource, wrappers_);
}

}  // namespace afterleak
