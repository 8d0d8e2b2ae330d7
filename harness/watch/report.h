// What `afterleak watch` says of a program: a row for each site, and the word of the judge.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"
#include "watch/earlier.h"
#include "watch/windows.h"

namespace afterleak::watch {

struct SiteRow : SiteReport {  // of its timers
  std::int64_t idle = 0;       // made, fired or stopped, and neither freed nor armed
  std::int64_t peak_idle = 0;
  bool idle_grows = false;  // there is a finding in Report::idle
  Word word = Word::kNoSign;
  std::string evidence{};  // a phrase with numbers; empty where the word says it all
  // For each of Report::samples: the most that were live in the window that it ends, and how many
  // were at its end. Empty if none was armed.
  std::vector<std::int64_t> window_peaks{};
  std::vector<std::int64_t> window_live{};
};

// What one call stack armed, of one kind.
struct StackRow {
  std::vector<std::uintptr_t> frames{};  // return addresses (census/symbols.h), innermost first
  std::string kind{};
  std::int64_t live = 0;
  std::int64_t idle = 0;
  std::int64_t armed = 0;
};

struct Report {
  std::string command{};  // as it was started
  pid_t pid = 0;
  std::string program{};  // its file
  std::string how{};      // "still runs", "ended with 0", "killed by SIGKILL"
  bool ended = false;
  bool is_virtual = false;  // all times and ages are those of virtual time
  Time began{};             // on the clock of the ledger
  Duration watched{};       // for how long
  std::size_t windows = 0;
  std::int64_t peak = 0;  // the most that were live at once, at all sites together
  std::int64_t peak_idle = 0;
  std::vector<std::string> remarks{};      // what is not seen, and why
  std::vector<SiteRow> sites{};            // what leaks first, then the most live at once
  std::vector<Finding> findings{};         // of leaks, and of what grows
  std::vector<Finding> idle{};             // objects of which more and more are idle
  std::vector<Windows::Sample> samples{};  // the last instant of each window
  std::vector<StackRow> stacks{};
  std::vector<Report> children{};  // each that was recorded, and has none itself

  std::int64_t Armed() const;  // without them
};

// What the watcher has seen of the counters.
struct Seen {
  CensusCount last{};    // as they are now
  CensusCount before{};  // shortly before that: the program may have torn down all since
  Windows windows;
  std::vector<std::string> wrappers{};  // what is not to be named as a site
};

// Fills in sites, findings, windows, samples and stacks. The addresses must have names
// (SharedRecord::NameItsAddresses). What Asio arms in the kernel is left out: those are its own
// descriptors. Returns whether there was any.
// `earlier`: a run with half of the work, to compare with; may be null.
bool Judge(const Seen& seen, const Allowance& allowed, const Earlier* earlier, Report& report);

// As exact as a reader wants it: 2.35s, 1h4m.
std::string Short(Duration span);

// As a table of 80 columns, but for the names of places.
std::string ToText(const Report& report);
// afterleak-watch.schema.json describes it; what is only added leaves its version as it is.
std::string ToJson(const Report& report);

// The same document for who reads along, in pieces: it begins with what was known at each report.
class JsonStream {
 public:
  std::string Next(const Report& report);
  std::string End(const Report& report);  // all that is in ToJson

 private:
  bool begun_ = false;
};

std::string ToCsv(const Report& report);  // a row for each site

}  // namespace afterleak::watch
