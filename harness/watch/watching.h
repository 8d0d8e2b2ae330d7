// Runs a program under watch, from its start to its end: takes the windows, passes signals on, and
// reports when asked.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "afterleak/census/clock.h"
#include "afterleak/census/judge.h"
#include "watch/report.h"

namespace afterleak::watch {

Time Now();  // in real time: on the clock of the ledger, and exact

// Looks on while the program runs, and waits for further files.
class Onlooker {
 public:
  virtual ~Onlooker() = default;
  virtual std::vector<int> Descriptors() const = 0;
  virtual void Ready() = 0;       // one of them can be read
  virtual Time Next() const = 0;  // when the next report is wanted
  virtual void Show(const Report& report) = 0;
};

struct WatchOptions {
  std::vector<std::string> command;  // the program and its arguments
  std::string preloaded;             // the path of the preload object
  std::optional<Duration> every;     // between two reports
  std::optional<Duration> length;    // then the program is told to end
  bool follow = false;               // its children, too
  // The program is in virtual time, and so are `every`, `length` and the windows; not `keep_every`.
  // What is preloaded must be the object for that. It ends after `length`, also where nothing is
  // due by then. Without it, it ends after a day, and may wait for the outside in real time.
  bool is_virtual = false;
  Allowance allowed{};
  std::optional<Earlier> earlier;                 // to compare the program itself with
  std::function<void()> prepare;                  // see Child
  std::function<void(const Report&)> in_between;  // called with each report before the last one
  // Called with those, too, and where `every` is not given, this often.
  std::function<void(const Report&)> keep;
  std::optional<Duration> keep_every;
  Onlooker* onlooker = nullptr;  // must outlive the call
};

struct Watched {
  Report report{};
  int status = 0;                // as waitpid(2) has it
  bool ended_by_length = false;  // and not by itself
  bool recorded = false;         // false: what is preloaded did not begin
  std::string refused{};         // why it cannot be in virtual time; it was killed then
};

// Ctrl-C reaches the program from the terminal; SIGINT, SIGTERM, SIGHUP and SIGQUIT that somebody
// sends to this process are passed on. SIGUSR2 asks for a report. If the program goes on after
// Ctrl-C, there is a report, too. These signals stay blocked when this returns. Throws as
// SharedRecord and Child do.
Watched Watch(const WatchOptions& options);

}  // namespace afterleak::watch
