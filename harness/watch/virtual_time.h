// How a watcher lets the time of its program pass: in stretches, and at the end of each all threads
// of the program wait. So what it sees there is the same in every run.
#pragma once

#include <sys/types.h>

#include <string>

#include "afterleak/census/clock.h"
#include "watch/record.h"

namespace afterleak::watch {

// What the clock of the ledger shows: at the beginning, and now.
Time VirtualStart();
Time NowIn(const SharedTime& shared);

// One for each program. Not thread-safe.
class VirtualTime {
 public:
  // `shared` is in the record of the process, and must outlive this.
  VirtualTime(SharedTime& shared, pid_t process);

  Time Now() const { return NowIn(shared_); }  // it may be moving

  // Lets time pass until then. `when_idle`: also where the program has no deadline left; else it
  // stands still there, and the program waits for the outside. Nothing happens while the stretch
  // before has not passed.
  void LetPass(Time until, bool when_idle);
  bool HasPassed() const;

  // In real time, a few milliseconds at most, unless it has passed before.
  void AwaitPassed() const;

  // Why the program cannot go on; empty if it can. It stands still then, and has to be killed.
  std::string WhyRefused();

 private:
  SharedTime& shared_;
  const pid_t process_;
  Time seen_{};  // in real time, with what was preloaded
  Time next_look_{};
};

}  // namespace afterleak::watch
