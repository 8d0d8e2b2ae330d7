// The judge: what in a ledger is a leak. The program, the matchers, the workshop and the results
// all ask it, so that they agree.
//
// It judges exact counters and exact peaks, never samples, and knows four kinds of leak:
//
//   abandoned    there ever was something pending that nobody could hear or cancel. A proof.
//   left behind  the work is over, everything has settled, and more is alive than before: timers,
//                contexts, registrations, goroutines. A proof, where you say what the work is.
//   growing      at constant load, what is alive at once rises window after window. Evidence:
//                wanted reminders grow too.
//   outlived     what is alive was overtaken by far more later ones of its site than any that ended
//                ever was. Evidence, for a program whose units of work nobody named.
//
// Allowances are for what is meant to stay. Everything here is a pure function of its arguments.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/census/census.h"

namespace afterleak {

enum class Leak : std::uint8_t { kAbandoned, kLeftBehind, kGrowing, kOutlived };
std::string_view ToString(Leak leak);  // "abandoned", "left behind", "growing", "outlived"

struct Finding : Place {  // where it was armed or started; no file for heap blocks
  Leak leak = Leak::kAbandoned;
  std::string kind{};       // what leaks: "time::After", "goroutine", "heap block"
  std::string waits{};      // goroutines: "chan receive at client.cc:31 client::Read"
  std::int64_t count = 0;   // abandoned at one time, left behind, or alive at the last peak
  std::int64_t bytes = 0;   // what that many hold on the heap; 0 if not known
  double byte_seconds = 0;  // of what was abandoned: bytes times the time left to the deadline
  std::string evidence{};   // a phrase with the numbers: "9 at once, 20 in all"
  std::string cure{};       // an imperative without a full stop; may be empty
};

// A line for each: what, where, the evidence and the weight, the cure.
std::string ToString(const Finding& finding);

// What is meant to stay, by number and by site (SiteFits): "net/server.cc:42".
class Allowance {
 public:
  static constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

  Allowance() = default;

  // This many of anything at each site.
  Allowance& Each(std::int64_t count);

  // This many at `site`. If several fit a site, the last one counts.
  Allowance& At(std::string site, std::int64_t count = kAny);

  // One allowance a line: SITE, or SITE COUNT. What follows a # is a comment. Throws
  // std::invalid_argument that names the line.
  static Allowance Parse(std::string_view text);

  // The same from a file. Throws std::runtime_error if it cannot be read.
  static Allowance FromFile(const std::string& path);

  std::int64_t For(std::string_view file, std::uint32_t line, std::string_view function) const;

 private:
  struct Entry {
    std::string site;
    std::int64_t count;
  };
  std::int64_t each_ = 0;
  std::vector<Entry> entries_;
};

// What one site has alive at one instant, and what of it was ever abandoned.
struct Holding : Place {
  std::string kind{};
  std::string waits{};
  std::int64_t count = 0;
  // More objects of that site, which are not counted now, and will be when their use is over:
  // they are not new then.
  std::int64_t in_use = 0;
  std::int64_t bytes = 0;
  std::int64_t ever_abandoned = 0;
  std::int64_t bytes_each = 0;
  double byte_seconds = 0;
  std::string cure{};
  std::string state{};  // a phrase for the finding, where "alive" does not say it all
};
struct Inventory {
  Time at{};
  std::vector<Holding> holdings;
};

// Adds a report to an inventory.
void Take(const CensusReport& report, Inventory& inventory);

// A finding for each site of which anything was ever abandoned, most first.
std::vector<Finding> JudgeAbandoned(const CensusReport& report, const Allowance& allowed = {});

// The same for what was abandoned after `before` was taken.
std::vector<Finding> JudgeAbandoned(const Inventory& before, const Inventory& after,
                                    const Allowance& allowed = {});

// A finding for each site of which more is alive in `after` than in `before`, most first.
std::vector<Finding> JudgeLeftBehind(const Inventory& before, const Inventory& after,
                                     const Allowance& allowed = {});

// A finding for each site of which something is left behind by three units of work or more that the
// program has named (Census::works): one may be what arms a timer that is there for all.
std::vector<Finding> JudgeLeftBehind(const CensusReport& report, const Allowance& allowed = {});

// True if these peaks of successive equal windows rise: none is below the one before it, and those
// of the four quarters of the time rise strictly. So the warm-up has to be over before the first;
// one late timer, one burst, a phase that comes rarely and a plateau do not rise. Fewer than four
// windows never do, and with eight, random load looks as if it rose once in 40,000 times.
bool Rises(std::span<const std::int64_t> peaks);

// A finding for each site whose window_peak_live rises over the reports of successive equal windows
// (see Census::NextWindow), most first.
std::vector<Finding> JudgeGrowing(std::span<const CensusReport> windows,
                                  const Allowance& allowed = {});

// A finding for each site of which twice the work, at the same concurrency, has at least 1.5 times
// as many alive at once, and 20 more, most first: if as much as half of that is in the total, too.
// Both are reports since the start of a run.
std::vector<Finding> JudgeGrowingWithWork(const CensusReport& work, const CensusReport& twice,
                                          const Allowance& allowed = {});

// A finding for each site of which three or more are alive that were overtaken by more than twice
// as many as 99 of 100 that ended and as each that was stopped, and ten: of a pool that gives out
// first what came back last, some wait long and are used after all. For a ledger that keeps that
// (Census::KeepOvertaken).
// It is silent where fewer than 20 were stopped, and on a few that are meant to live long among
// many short ones of their site.
std::vector<Finding> JudgeOutlived(const CensusReport& report, const Allowance& allowed = {});

// What is said of a site of a program whose units of work nobody named. There is no "clean".
enum class Word : std::uint8_t {
  kLeak,       // abandoned, left behind or outlived
  kGrows,      // wanted or leaked?
  kNotEnough,  // too few of them, or too short a time: a cache's time-outs and a leak look alike
  kNoSign,
};
std::string_view ToString(Word word);  // "leak", "grows, not proven", ...

// By the findings at that site. `watched`: for how long, in how many windows of equal length.
Word WordFor(const SiteReport& site, std::span<const Finding> findings, Duration watched,
             std::size_t windows);

// Removes each finding of which an earlier one of another kind of leak names the same site: a proof
// needs no second one.
void KeepFirstOfEachSite(std::vector<Finding>& findings);

}  // namespace afterleak
