// For exercises on an event loop: the place where their parts are done, in virtual time.
//
// A part runs on one thread. It calls the learner's code, lets the loop run for a while, and looks:
//
//   Heartbeats beats;
//   auto heartbeat = StartHeartbeat(loop, 5s, beats.Count());
//   RunUntil(60s);
//   Require(beats.count == 12, ...);
//
// What counts is what the event loops of the process have armed or idle (afterleak/loops/loops.h),
// and the heap of the thread. If the code never lets go, SIGALRM ends the process.
#pragma once

#include <functional>

#include "afterleak/loops/loop_bubble.h"
#include "workshop/check.h"
#include "workshop/parts.h"

namespace workshop {

// A loop in a bubble of virtual time, made before the loop is. One at a time. A class for each
// library makes the loop, and says how to run it.
class LoopInPlace {
 public:
  LoopInPlace();
  virtual ~LoopInPlace();
  LoopInPlace(const LoopInPlace&) = delete;
  LoopInPlace& operator=(const LoopInPlace&) = delete;

  // Runs the loop until Stop is called, and goes on from there the next time. Arms no timer.
  virtual void Run() = 0;
  // Is called while the loop waits, in the thread that runs it.
  virtual void Stop() = 0;

  loops::LoopBubble& bubble() { return bubble_; }

 private:
  loops::LoopBubble bubble_;
};

// Lets the loop run until all that is due by then has happened, or for as long from now.
void RunUntil(Duration since_start);
void RunFor(Duration span);

// Does it then, after the timers of that instant.
void At(Duration since_start, std::function<void()> event);

Time TimeInPlace();  // since the part began

// What the loops of this process have.
class CountersOfLoops final : public Counters {
 public:
  Time Now() const override;
  void Settle() const override;
  Inventory Alive() const override;
  CensusTotals Totals() const override;
  CensusReport Report() const override;
  std::vector<Finding> Abandoned() const override;
};

// A Place: on a new loop.
template <typename Loop>
void OnLoop(const std::function<void(const Counters&)>& part) {
  Loop loop;
  part(CountersOfLoops());
}

}  // namespace workshop
