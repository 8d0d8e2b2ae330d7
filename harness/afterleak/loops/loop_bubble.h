// LoopBubble: virtual time for a program on real event loops, whose code is not changed.
//
// Link afterleak::loops_time into the test program. While there is a bubble, the clocks of the
// process stand still as long as any thread runs, and jump to whatever is due next when all of them
// wait. An hour of a 3 s timer takes milliseconds, and every run is the same.
//
//   LoopBubble bubble;
//   auto server = std::make_shared<Server>();                    // made inside, with its loop
//   bubble.Go([=] { server->Run(); }, [=] { server->Stop(); });  // a thread, and how to end it
//   bubble.AdvanceTo(27s);                        // until everything due by then has happened
//   EXPECT_EQ(bubble.Totals().live, 11);          // settled: all threads wait
//   bubble.Finish();
//
// All threads of the process are in it, the test's too, except where they are in an Outside. Time
// moves in Advance, AdvanceTo and Finish, and while the thread that made the bubble waits: in
// sleep, poll, read, accept, a loop that it runs, a condition variable, join. If nothing can end
// such a wait, or it polls the clock instead, the process ends with a dump. Elsewhere time stands
// still: so it does while that thread waits in write, or in connect.
//
// What happens at one instant, in this order, until nothing is left to do:
//   1. threads run until they wait
//   2. timers that are due fire, those of all loops and threads alike
//   3. events (At) that are due run, one by one, each followed by 1 and 2
//   4. samples (SampleAt) run: the instant is settled
//
// Interposed: the clocks, epoll, poll, select, sleeps, timerfd, condition variables, futexes.
// Sockets and pipes between threads of the process need nothing. What comes from outside of the
// process takes real time, during which virtual time must be held (Hold). What cannot work is
// refused: one line on standard error, and Stuck from the next call of the bubble.
//
// Two threads that run at one instant do so in the kernel's order, on one processor (Options::pin).
// libev and Qt 5 may fire up to a millisecond late. The clocks begin at fixed times: the wall clock
// with the year 2024, the monotonic one with 1,000,000 s. Make loops and timerfds inside. Not seen:
// rdtsc, programs linked with -static, threads made by clone.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/census/judge.h"

namespace afterleak::loops {

// Time cannot move, or would be wrong. what() names the thread, the call and the cure.
class Stuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One at a time in a process. Only Totals, Report, Now and At may be called by other threads than
// the one that made it.
class LoopBubble {
 public:
  struct Options {
    // Keep all threads on one processor: a hand-over takes 15 µs instead of 58.
    bool pin = true;
    // Real time without any thread beginning or ending a wait, before Stuck. What computes longer
    // than this in one go needs more. Polling the clock is found after half a second.
    Duration stuck_after = std::chrono::seconds(10);
    // Virtual time that threads have to end in, after their stop function.
    Duration finish_within = std::chrono::hours(1);
  };

  // Throws Stuck if there is another bubble, or if the C library is called past
  // what stands in front of it.
  LoopBubble();
  explicit LoopBubble(const Options& options);
  LoopBubble(const LoopBubble&) = delete;
  LoopBubble& operator=(const LoopBubble&) = delete;

  // Calls Finish if nobody has, and prints what it throws. What is still armed, is armed in real
  // time from now on.
  ~LoopBubble();

  // Runs `body` in a new thread. `stop` makes it return: Finish calls it, at the latest where the
  // bubble ends, so both had better share what they use: an ASSERT may end the test early. What
  // `body` throws is rethrown by the next call that moves time.
  void Go(std::function<void()> body, std::function<void()> stop = {});

  // Lets time pass until `instant`, or for `span` from now, and returns when that is settled.
  // Rethrows what a thread or an event threw. Throws Stuck when time cannot move.
  void AdvanceTo(Time instant);
  void AdvanceTo(Duration since_start) { AdvanceTo(Time(since_start)); }
  void Advance(Duration span);

  // Runs `event` at `instant` (at once if that has passed), after the timers of that instant, on
  // the thread that drives the clock, while all others wait. It may send, signal (kill) and arm,
  // and must not wait.
  void At(Time instant, std::function<void()> event);
  void At(Duration since_start, std::function<void()> event) {
    At(Time(since_start), std::move(event));
  }

  // The same, once `instant` is settled: for looking, not for acting.
  void SampleAt(Time instant, std::function<void()> sample);
  void SampleAt(Duration since_start, std::function<void()> sample) {
    SampleAt(Time(since_start), std::move(sample));
  }

  // Calls the stop functions, in the order of Go, and waits for the threads, letting time pass as
  // far as they need. Throws Stuck with the threads that do not end; they live in real time then.
  void Finish();

  // Since the bubble's start.
  Time Now() const;

  // Of the whole process (loops.h).
  CensusTotals Totals(Resource resource = Resource::kTimer) const;
  CensusReport Report(Resource resource = Resource::kTimer) const;
  Inventory Alive() const;

  // While it lives, the thread that made it is in real time, and the bubble does not wait for it:
  // for a peer that must be as slow as it is. Threads that it starts are so, too.
  class [[nodiscard]] Outside {
   public:
    Outside();
    ~Outside();
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
  };

  // While any lives, time stands still: for a request that is with a peer outside of the process.
  // It may end in another thread.
  class [[nodiscard]] Hold {
   public:
    Hold();
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
  };

 private:
  struct Thread;
  void Advance(Time limit, const std::function<bool()>& done);

  const Options options_;
  std::vector<std::shared_ptr<Thread>> threads_;
};

}  // namespace afterleak::loops
