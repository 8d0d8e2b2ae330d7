// Census: the ledger of timers. It knows who armed them and where, how they ended, and which of
// them nobody can hear any more.
//
// It knows nothing of the run-time above it. A source of timers tells it when one is armed
// and how it ends, and keeps a four-byte ticket for each. So anything that has timers can
// keep its records here.
//
// Two laws, both tested at every settled instant:
//   armed = fired + stopped + collected + live    (ticks do not end a ticker: counted apart)
//   abandoned <= live                             (and a rooted timer is never abandoned)
//
// "Abandoned" is found by construction, not by sampling: the source reports it at the moment when
// the last handle that could receive from the timer's channel goes away.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "afterleak/census/clock.h"
#include "afterleak/census/journal.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/census/site.h"
#include "afterleak/census/works.h"

namespace afterleak {

// What a record stands for. Each resource has its totals and its reports.
enum class Resource : std::uint8_t {
  kTimer,      // a pending deadline or a registration: what "live timers" counts
  kContext,    // a context without a deadline that its parent keeps
  kGoroutine,  // from its start until its function returns (counted as stopped)
  kIdle,       // a timer of an event loop that fired or was stopped, and is not freed or closed
};
inline constexpr int kResources = 4;

// A kind of thing that a source arms: one constant for each kind, told apart by its address.
struct TimerKind {
  std::string_view name;  // as the user wrote it: "time::After"
  // Kept until it fires or is stopped, whether or not anybody listens: callbacks and
  // signal registrations. Whether anybody needs it cannot be decided, so it is never abandoned.
  bool rooted = false;
  bool periodic = false;  // fires again and again, so nothing but a stop ends it
  Resource resource = Resource::kTimer;
  // The usual cure for a leak of this kind, as an imperative without a full stop.
  std::string_view cure = {};
};

// The counters of a census. All are exact, and reading them is O(1).
struct CensusTotals {
  std::int64_t live = 0;           // armed, and not yet fired, stopped or collected
  std::int64_t abandoned = 0;      // live, and nobody can receive from it any more
  std::int64_t rooted = 0;         // live, of a rooted kind
  std::int64_t armed = 0;          // ever armed; a Reset arms again
  std::int64_t fired = 0;          // ended by their deadline
  std::int64_t fired_unheard = 0;  // of those, the ones abandoned beforehand
  std::int64_t stopped = 0;        // ended by Stop, Reset or a cancelled context
  std::int64_t collected = 0;      // ended when their last handle went (timer mode go123)
  std::int64_t ticks = 0;          // firings of tickers
  std::int64_t stale = 0;          // values left in a channel by a Stop or Reset (CountStale)
  std::int64_t peak_live = 0;
  std::int64_t peak_abandoned = 0;
  std::int64_t live_bytes = 0;  // heap bytes of the live ones, as reported by their source
  std::int64_t abandoned_bytes = 0;
  // The cost of abandonment: for each abandoned timer, its bytes times the seconds left to its
  // deadline when its last handle went. Abandoned tickers have no end and are not included.
  double byte_seconds_lost = 0;

  bool Conserved() const { return armed == fired + stopped + collected + live; }
};

// What one site armed, of one kind.
struct SiteReport : Place {
  std::string kind{};
  std::string cure{};  // the kind's
  std::int64_t armed = 0;
  std::int64_t live = 0;
  std::int64_t abandoned = 0;
  std::int64_t live_bytes = 0;
  std::int64_t bytes_each = 0;      // of the last one
  std::int64_t peak_live = 0;       // since the start, like the next five
  std::int64_t peak_abandoned = 0;  // peaks are exact
  std::int64_t ever_abandoned = 0;
  std::int64_t fired = 0;
  std::int64_t stopped = 0;
  std::int64_t put_off = 0;  // of the stopped ones, those that were armed again at once: PutOff
  std::int64_t ticks = 0;
  std::int64_t stale = 0;
  double byte_seconds_lost = 0;
  std::int64_t window_peak_live = 0;  // since the last NextWindow
  Duration oldest_age{};              // of the live ones, like the next two
  Duration shortest_left{};           // until the next deadline
  Duration longest_left{};            // until the last deadline
  Duration longest_timeout{};         // ever, of those that are to end
  // Where KeepOvertaken was called: of the live ones, how many were overtaken by far more than
  // those that ended were; the most that one was; and what 99 of 100 that ended, and each that was
  // stopped, stayed below.
  std::int64_t outlived = 0;
  std::int64_t most_overtaken = 0;
  std::int64_t usually_overtaken = 0;
  // Where the program names its units of work: of the live ones, how many are of one that has ended
  // a tenth of a second ago; how many such units there are, and how many ended in all.
  std::int64_t left_behind = 0;
  std::int64_t works_leaving = 0;
  std::int64_t works_ended = 0;
};

// A census of one resource at one instant: the site with the most abandoned timers first, then the
// one with the most live timers. Sites without live timers come last.
struct CensusReport {
  Time at{};
  CensusTotals totals;
  std::vector<SiteReport> sites;
};

// The same before the sites are named, which takes a look at debug information: so a ledger need
// not be locked for that. Its sites are in the order in which they were first seen.
struct CensusCount {
  struct At {
    Site site;
    const TimerKind* kind;
    SiteReport counted{};  // without a place and a kind
  };
  Time at{};
  std::array<CensusTotals, kResources> totals{};
  std::vector<At> sites;
};

CensusReport NameSites(const CensusCount& count, Resource resource,
                       std::span<const std::string> wrappers = {});

// The report as a table of at most 80 columns. Sites without live timers are left out.
std::string ToString(const CensusReport& report);

// The ledger. Not thread-safe: its source locks it (SharedCensus has a lock). Its records are
// outside the heap (mapped_array.h), at 24 bytes each; that memory keeps its largest size until
// the census is destroyed.
class Census {
 public:
  // Names one live record. Never 0, so 0 can mean "none".
  using Ticket = std::uint32_t;

  Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // Opens a record. `kind` must outlive the census; `bytes` is what the timer holds on the heap.
  // O(1), about 10 ns. When memory runs out it throws std::bad_alloc and has counted nothing.
  Ticket Arm(const TimerKind& kind, const Site& site, std::uint32_t bytes, Time now, Time deadline);

  // The timer of a live record is armed again, wherever that is. It counts as stopped and armed,
  // and its site is still the one where it became live: a reader looks for the missing stop there.
  // As no timer has ended, it overtakes none. False, and nothing has happened, if it is abandoned,
  // or periodic where `kind` is not: then it is another timer. Not where a journal is kept.
  bool PutOff(Ticket ticket, const TimerKind& kind, Time now, Time deadline);

  // The last handle is gone; the record stays open. Not for rooted kinds.
  void Abandon(Ticket ticket, Time now);

  // A periodic timer fired and next waits for `deadline`; the record stays open. If a journal has
  // no room, it throws std::bad_alloc: the tick is counted, but missing from the journal.
  void Tick(Ticket ticket, Time deadline);

  // Each of these closes the record, after which the ticket may be reused.
  void Fire(Ticket ticket);
  // The same, with a receiver waiting for it. Only a journal tells the two apart.
  void FireReceived(Ticket ticket);
  void Stop(Ticket ticket);
  void Collect(Ticket ticket);

  // A Stop or Reset has left a value of this record's timer in its channel: the next receive gets
  // it, as if the timer had just fired. The record may be closed; what counts is its site.
  void CountStale(const TimerKind& kind, const Site& site);

  // From now on a site is a line and the call stack that led to it; reports show the first frame
  // that is in none of the wrappers (PlaceOf).
  void KeepCallStacks(std::vector<std::string> wrappers);

  // From now on the ledger knows by how many each timer was overtaken: by those of its site that
  // were stopped though they were armed later (SiteReport::outlived). 8 bytes more for each record.
  // Call it before the first timer is armed.
  void KeepOvertaken();

  // Keeps a journal of all timers from now on, which gets the instants from `now`. Call it before
  // the first timer is armed.
  void KeepJournal(std::function<Time()> now);

  // The units of work that the program names. What is of one is told after Arm.
  internal::Works& works() { return works_; }

  // Null unless a journal is kept.
  const Journal* journal() const { return journal_.get(); }

  const CensusTotals& totals(Resource resource = Resource::kTimer) const {
    return totals_[static_cast<std::size_t>(resource)];
  }

  // Visits every record, at about 3 ns each.
  CensusReport Report(Time now, Resource resource = Resource::kTimer) const;

  // The same without the names.
  CensusCount Count(Time now) const;

  Time DeadlineOf(Ticket ticket) const { return Time(Duration(records_[ticket].deadline)); }

  // Begins a window, for window_peak_live: its peak starts at what is live now. O(sites).
  void NextWindow();

 private:
  // The counters of one site and kind. They are kept even when nothing of it is live any more.
  struct Counts {
    Site site;
    const TimerKind* kind;
    CensusTotals* totals;  // of the kind's resource
    Counts* next;          // in the same hash bucket
    std::uint32_t id;
    std::uint32_t bytes_each;
    std::int64_t armed;
    std::int64_t live;
    std::int64_t abandoned;
    std::int64_t live_bytes;
    std::int64_t window_peak;
    std::int64_t peak;  // of the windows before this one
    std::int64_t peak_abandoned;
    std::int64_t ever_abandoned;
    std::int64_t fired;
    std::int64_t stopped;
    std::int64_t put_off;
    std::int64_t ticks;
    std::int64_t stale;
    std::int64_t longest_timeout;
    double byte_seconds_lost;
  };
  // What a site had when a timer was armed. A difference of counters is right modulo 2^32.
  struct Before {
    std::uint32_t stopped;
    std::uint32_t live;
  };
  static Before BeforeOneOf(const Counts& counts, std::int64_t others_live) {
    return {static_cast<std::uint32_t>(counts.stopped - counts.put_off),
            static_cast<std::uint32_t>(others_live)};
  }
  struct Crowd {
    std::array<std::uint32_t, 128> ended;  // by how many they were overtaken: a bucket each
    std::uint64_t most_of_stopped;         // the largest such number of one that was stopped
  };
  static constexpr std::int64_t kStopsToOutlive = 20;  // fewer say nothing

  struct Record {
    std::int64_t armed_at;  // in a free record: the next free one
    std::int64_t deadline;
    std::uint32_t site;  // its Counts; 0: the record is free
    std::uint32_t bytes : 31;
    std::uint32_t abandoned : 1;
  };

  // Free records are kept by shelves of records that lie next to each other, and those of one shelf
  // are taken before those of the next: so timers that are armed one after the other are near each
  // other. One list of all would be in the order in which timers ended, soon any order.
  struct Shelf {
    Ticket free;         // the first of its free records; 0: there is none, or it is shelf_
    std::uint32_t next;  // another that has some
  };
  static std::uint32_t ShelfOf(std::size_t ticket) {  // from 1 on
    return static_cast<std::uint32_t>(ticket / 128 + 1);
  }
  void OpenShelf();  // where free_ is 0: gives it another
  void PutBack(Ticket ticket, Record& record);

  Counts*& BucketOf(const TimerKind& kind, const Site& site);
  static Counts* Find(Counts* bucket, const TimerKind& kind, const Site& site);  // null: not there
  Counts& CountsOf(const TimerKind& kind, const Site& line);
  Counts& AddSite(const TimerKind& kind, const Site& site, Counts* next);
  Ticket Open(Counts& counts, std::uint32_t bytes, Time now, Time deadline);
  Ticket ArmWithMore(const TimerKind& kind, const Site& site, std::uint32_t bytes, Time now,
                     Time deadline);
  std::uint64_t OvertakenBy(Ticket ticket, const Counts& counts) const;
  std::uint64_t UsuallyOvertakenBy(std::size_t site) const;

  // Counts the end at the site. Returns which totals to count it in, and whether the record was one
  // of an abandoned timer.
  std::pair<CensusTotals&, bool> Close(Ticket ticket, TimerEnd end);

  std::array<CensusTotals, kResources> totals_{};
  std::unique_ptr<Journal> journal_;
  bool keeps_more_ = false;  // than counters and records: a journal or one of the next two
  bool call_stacks_ = false;
  bool keeps_overtaken_ = false;
  std::vector<std::string> wrappers_;
  Ticket free_ = 0;            // the first free record of shelf_
  std::uint32_t shelf_ = 0;    // the one that is taken from
  std::uint32_t waiting_ = 0;  // the first of those that have a free record, beside that; 0: none
  std::array<Counts*, 256> site_buckets_{};
  internal::MappedArray<Counts> sites_;    // index 0 is unused
  internal::MappedArray<Record> records_;  // index 0 is unused
  internal::MappedArray<Shelf> shelves_;   // index 0 is unused
  internal::MappedArray<Before> before_;   // by ticket
  internal::MappedArray<Crowd> crowds_;    // by site
  internal::Works works_;
};

}  // namespace afterleak
