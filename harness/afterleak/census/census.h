// Census: the ledger of timers. Who armed them and where, how they ended, and which of them nobody
// can hear any more.
//
// It knows nothing of the run-time that stands above it: a source of timers tells it when
// one is armed and how it ends, and keeps a four-byte ticket for each. So anything that has timers
// can keep its records here.
//
// Two laws, both tested at every settled instant:
//   armed = fired + stopped + collected + live    (a ticker's ticks do not end it: counted apart)
//   abandoned <= live                             (and a rooted timer is never abandoned)
//
// "Abandoned" is found by construction and not by sampling: the source reports it at the moment
// when the last handle that could receive from the timer's channel goes away.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/census/clock.h"
#include "afterleak/census/journal.h"
#include "afterleak/census/mapped_array.h"

namespace afterleak {

// What sort of timer a source arms: one constant for each, told apart by its address.
struct TimerKind {
  std::string_view name;  // as the user wrote it: "time::After"
  bool rooted = false;    // kept until it fires or is stopped, whoever listens: callbacks,
                          // contexts, signal registrations
  bool periodic = false;  // fires again and again, so nothing but a stop ends it
};

// The counters of a census. All of them are exact, and reading them costs O(1).
struct CensusTotals {
  std::int64_t live = 0;           // armed, and not yet fired, stopped or collected
  std::int64_t abandoned = 0;      // live, and nobody can receive from it any more
  std::int64_t rooted = 0;         // live, of a rooted kind
  std::int64_t armed = 0;          // ever armed; a Reset arms again
  std::int64_t fired = 0;          // ended by their deadline
  std::int64_t fired_unheard = 0;  // of those, the ones that had been abandoned before
  std::int64_t stopped = 0;        // ended by Stop, Reset or a cancelled context
  std::int64_t collected = 0;      // ended by the loss of their last handle (timer mode go123)
  std::int64_t ticks = 0;          // firings of tickers
  std::int64_t peak_live = 0;
  std::int64_t peak_abandoned = 0;
  std::int64_t live_bytes = 0;  // heap bytes of the live ones, as their source states them
  std::int64_t abandoned_bytes = 0;
  // What abandonment costs: for each abandoned timer its bytes times the seconds that were left to
  // its deadline when its last handle went. Abandoned tickers have no end and are not in this sum.
  double byte_seconds_lost = 0;

  bool Conserved() const { return armed == fired + stopped + collected + live; }
};

// The timers that one line of a program armed.
struct SiteReport {
  std::string file;  // as the compiler was given it
  std::uint32_t line = 0;
  std::string function;  // qualified name, without parameters
  std::string kind;
  std::int64_t armed = 0;
  std::int64_t live = 0;
  std::int64_t abandoned = 0;
  std::int64_t live_bytes = 0;
  Duration oldest_age{};     // of the live ones, like what follows
  Duration shortest_left{};  // until the next deadline
  Duration longest_left{};   // until the last deadline
};

// A census at one instant, most abandoned site first, then most live; sites without a live timer
// come last.
struct CensusReport {
  Time at{};
  CensusTotals totals;
  std::vector<SiteReport> sites;
};

// The report as a table of at most 80 columns. Sites without a live timer are left out.
std::string ToString(const CensusReport& report);

// The ledger. Not thread-safe: its source locks it. Its own memory is outside of the heap
// (mapped_array.h): 24 bytes a record, kept at their largest number until the census goes.
class Census {
 public:
  // Names one live record. Never 0, so that 0 can mean "none".
  using Ticket = std::uint32_t;

  Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // Opens a record. `kind` must outlive the census; `bytes` is what the timer holds on the heap.
  // O(1), about 10 ns. Throws std::bad_alloc and has counted nothing when memory runs out.
  Ticket Arm(const TimerKind& kind, const std::source_location& site, std::uint32_t bytes, Time now,
             Time deadline);

  // The last handle is gone; the record stays open. Not for rooted kinds.
  void Abandon(Ticket ticket, Time now);

  // A periodic timer fired and waits for `deadline` next; the record stays open. Throws
  // std::bad_alloc when a journal has no room: the tick is counted, and the journal lacks it.
  void Tick(Ticket ticket, Time deadline);

  // Each of these closes the record, and the ticket may be given out again.
  void Fire(Ticket ticket);
  void FireReceived(Ticket ticket);  // the same, when somebody was waiting for it: only a journal
                                     // tells them apart
  void Stop(Ticket ticket);
  void Collect(Ticket ticket);

  // Keeps a journal of all that happens from now on, which asks `now` for the instant of it. Before
  // the first timer is armed.
  void KeepJournal(std::function<Time()> now);

  // Null unless one is kept.
  const Journal* journal() const { return journal_.get(); }

  const CensusTotals& totals() const { return totals_; }

  // Visits every record: about 3 ns each.
  CensusReport Report(Time now) const;

 private:
  struct Site {
    const char* file;
    const char* function;
    const TimerKind* kind;
    Site* next;  // in the same hash bucket
    std::uint32_t id;
    std::uint32_t line;
    std::uint32_t column;
    std::int64_t armed;
    std::int64_t live;
    std::int64_t abandoned;
    std::int64_t live_bytes;
  };
  struct Record {
    std::int64_t armed_at;  // of a free record: the next free one
    std::int64_t deadline;
    std::uint32_t site;  // 0: the record is free
    std::uint32_t bytes : 31;
    std::uint32_t abandoned : 1;
  };

  Site& SiteOf(const TimerKind& kind, const std::source_location& where);
  Site& AddSite(const TimerKind& kind, const std::source_location& where, Site* next);
  bool Close(Ticket ticket, TimerEnd end);  // whether it was abandoned

  CensusTotals totals_;
  std::unique_ptr<Journal> journal_;
  Ticket free_ = 0;
  std::array<Site*, 256> site_buckets_{};
  internal::MappedArray<Site> sites_;      // index 0 is not used
  internal::MappedArray<Record> records_;  // index 0 is not used
};

}  // namespace afterleak
