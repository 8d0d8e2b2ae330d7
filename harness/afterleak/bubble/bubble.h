// Bubble: an isolated run-time with its own clock, timers, goroutines and census.
//
// The word and the idea are testing/synctest's. In a virtual bubble time stands still
// while any goroutine can run, and then moves straight to what is due next; an hour of waiting
// takes microseconds and every run of a program is the same. In a real bubble the clock is the
// machine's.
//
//   Bubble bubble;                                   // virtual clock, timers as Go 1.22 has them
//   bubble.Go([&] { leaky::LoopingSelect(...); });   // a goroutine
//   bubble.AdvanceTo(27s);                           // until all that is due by then has happened
//   EXPECT_EQ(bubble.Totals().live, 11);             // settled: all goroutines are blocked
//
// Goroutines are threads. Those of a virtual bubble take turns: one runs until it blocks, then the
// one that has waited longest. So the order of everything is fixed by the program and the seed, and
// a goroutine that spins without blocking stops the bubble (Gosched lets others run). Those of a
// real bubble run at the same time, but a new one waits for its start while as many run as there
// are processors (at least four), unless those block or take more than 10 ms. A blocked goroutine
// keeps its thread, so 30,000 of them are about what a Linux system can hold; a thread that nobody
// needs ends after a second.
//
// When memory or threads run out, the call that needs them throws std::bad_alloc or
// std::system_error and changes nothing. Where no call needs them, since a callback is due or a
// goroutine of a virtual bubble first runs, Run or Advance throws it.
//
// What happens at one instant of virtual time, in this order, until nothing is left to do:
//   1. goroutines that can run, run until they block
//   2. timers that are due fire, by (deadline, arming), all before any goroutine runs on
//   3. events (At) that are due run, one by one, each followed by 1 and 2
//   4. samples (SampleAt) run: the instant is settled
//
// Threads that belong to no bubble share one real bubble for the whole process, Bubble::Default().
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/bubble/panic.h"
#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"

namespace afterleak {

namespace internal {
class Runtime;

// What a goroutine runs, where it cannot be copied: a lambda that has captured a unique_ptr.
template <typename Body>
concept MoveOnlyBody =
    std::invocable<Body&> && std::move_constructible<Body> && !std::copy_constructible<Body>;

std::function<void()> Copyable(MoveOnlyBody auto body) {
  return [shared = std::make_shared<decltype(body)>(std::move(body))] { (*shared)(); };
}
}  // namespace internal

// How long a channel timer is kept.
enum class TimerMode : std::uint8_t {
  kGo122,  // until it fires or is stopped: Go up to 1.22, and every C and C++ event loop
  kGo123,  // or until nobody can receive from it: Go 1.23 and later
  kKept = kGo122,
  kCollected = kGo123,
};
std::string_view ToString(TimerMode mode);  // "go122"

// A goroutine that has not ended.
struct GoroutineReport {
  std::string name;  // "goroutine 3"
  std::string
      waits_for;     // in the words of a Go traceback: "select"; or "runnable", "not yet started"
  std::string file;  // where it waits
  std::uint32_t line = 0;
  std::string function;
};

// A line for each, as in a Deadlock.
std::string ToString(const std::vector<GoroutineReport>& goroutines);

// Thread-safe but for construction and destruction. Run, Advance and AdvanceTo are for one thread
// at a time, which must not be a goroutine of the bubble.
class Bubble {
 public:
  struct Options {
    ClockKind clock = ClockKind::kVirtual;
    TimerMode timers = TimerMode::kGo122;
    std::uint64_t seed = 1;  // of the choices that Select makes among ready cases
    bool journal = false;    // keep the life of every timer, for Lives
  };

  Bubble();
  explicit Bubble(const Options& options);
  Bubble(const Bubble&) = delete;
  Bubble& operator=(const Bubble&) = delete;

  // Ends the bubble: its goroutines are unwound where they are blocked (destructors run; whatever
  // they wait for next ends them at once), one after the other, and its pending timers are dropped.
  // Channels and timers may outlive their bubble, but nothing happens to them any more, and
  // blocking on one is a Panic. A failure of a goroutine that nobody was told of ends the process.
  // What goroutines refer to must therefore be declared before their bubble. They are unwound by an
  // exception: code that catches (...) must throw it on, and a destructor must not block.
  ~Bubble();

  // Runs `main` as a goroutine on the calling thread, lets time move as far as that needs, and
  // returns when it has returned and the instant is settled. Other goroutines may be left, blocked.
  // Rethrows what `main`, or any goroutine meanwhile, threw; throws Deadlock when `main` waits for
  // something that can never come (virtual clock only).
  void Run(const std::function<void()>& main,
           std::source_location site = std::source_location::current());

  // Starts a goroutine. In a virtual bubble it first runs at the next Run or Advance, or when its
  // starter blocks; one that can have no thread then never runs, and Run or Advance throws
  // std::system_error with the number of those that have one. In a real bubble Go itself throws
  // that, unless there are others to wait for.
  void Go(std::function<void()> body, std::source_location site = std::source_location::current());
  void Go(internal::MoveOnlyBody auto body,
          std::source_location site = std::source_location::current()) {
    Go(internal::Copyable(std::move(body)), site);
  }

  // Lets time pass until `instant`, or for `span` from now, and returns when that instant is
  // settled. With the real clock this takes as long as it says. Rethrows what a goroutine or an
  // event threw; returns early after Interrupt.
  void AdvanceTo(Time instant);
  void AdvanceTo(Duration since_start) { AdvanceTo(Time(since_start)); }
  void Advance(Duration span);

  // Runs `event` at `instant` (at once when that is past), after the timers of that instant, on
  // whatever thread drives the clock. It may use channels and timers but must not block. Events are
  // no timers: no census shows them.
  void At(Time instant, std::function<void()> event);
  void At(Duration since_start, std::function<void()> event) {
    At(Time(since_start), std::move(event));
  }

  // The same, when `instant` is settled; for looking, not for doing. With the real clock it waits
  // up to 50 ms for the goroutines to block. A sample that is pending does not hold off a Deadlock.
  void SampleAt(Time instant, std::function<void()> sample);
  void SampleAt(Duration since_start, std::function<void()> sample) {
    SampleAt(Time(since_start), std::move(sample));
  }

  // Ends a Run or Advance in progress and every later one, from any thread. Not for signal
  // handlers. With the virtual clock a Run ends only when all its goroutines are blocked, so not
  // while they keep each other busy at one instant.
  void Interrupt();

  Time Now() const;
  const Options& options() const;

  CensusTotals Totals() const;
  CensusReport Report() const;

  // Every timer that there ever was, by the order of arming; none without Options::journal.
  std::vector<TimerLife> Lives() const;

  // What each goroutine waits for, and where; by age.
  std::vector<GoroutineReport> Goroutines() const;

  // The bubble of the calling thread: of its goroutine, or Default().
  static Bubble& Current();

  // The real bubble of all threads that are in no other. Its timers end with the process.
  static Bubble& Default();

 private:
  friend class internal::Runtime;
  std::unique_ptr<internal::Runtime, void (*)(internal::Runtime*)> runtime_;
};

// Go's `go` statement: starts a goroutine in the current bubble. An exception that leaves it is
// rethrown by whoever runs the bubble; in Bubble::Default(), where nobody does, it ends the
// process, as a panic does in Go.
void Go(std::function<void()> body, std::source_location site = std::source_location::current());
void Go(internal::MoveOnlyBody auto body,
        std::source_location site = std::source_location::current()) {
  Go(internal::Copyable(std::move(body)), site);
}

// runtime.NumGoroutine: how many goroutines of the current bubble have not ended. One that calls it
// counts itself.
int NumGoroutine();

// runtime.Gosched: lets the other goroutines that can run go first.
void Gosched();

// synctest.Wait: returns when every other goroutine of the current, virtual bubble is blocked and
// the instant is otherwise settled; time does not move.
void Wait(std::source_location site = std::source_location::current());

}  // namespace afterleak
