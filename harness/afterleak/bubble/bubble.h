// Bubble: an isolated run-time with its own clock, timers, goroutines and census.
//
// The word and the idea come from testing/synctest. In a virtual bubble, time stands still
// while any goroutine can run, and then jumps to whatever is due next. An hour of waiting
// takes microseconds, and every run of a program is the same. In a real bubble, the clock
// is the machine's.
//
//   Bubble bubble;                                   // virtual clock, timers as Go 1.22 has them
//   bubble.Go([&] { leaky::LoopingSelect(...); });   // a goroutine
//   bubble.AdvanceTo(27s);                           // until everything due by then has happened
//   EXPECT_EQ(bubble.Totals().live, 11);             // settled: all goroutines are blocked
//
// Goroutines are threads. Those of a virtual bubble take turns: one runs until it blocks, then the
// one that has waited longest runs. The order of everything is therefore fixed by the program and
// the seed, and a goroutine that spins without blocking stops the bubble (Gosched lets others run):
// Run and Advance then throw Stuck, within bounds that Options sets.
// Goroutines of a real bubble run in parallel, but a new one waits to start while as many are
// running as there are processors (at least four), unless those block or take more than 10 ms. A
// blocked goroutine keeps its thread, so about 30,000 of them are the most that a Linux system can
// hold. A thread that is no longer needed ends after a second.
//
// When memory or threads run out, the call that needs them throws std::bad_alloc or
// std::system_error and changes nothing. If no call is to blame, because a callback is due or a
// goroutine of a virtual bubble first runs, Run or Advance throws it.
//
// What happens at one instant of virtual time, in this order, until nothing is left to do:
//   1. goroutines that can run do so until they block
//   2. timers that are due fire, by (deadline, arming), all of them before any goroutine resumes
//   3. events (At) that are due run, one by one, each followed by 1 and 2
//   4. samples (SampleAt) run: the instant is settled
//
// Threads outside any bubble share one real bubble for the whole process, Bubble::Default().
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
#include "afterleak/census/judge.h"

namespace afterleak {

namespace internal {
class Runtime;

// A goroutine's body that cannot be copied, such as a lambda that has captured a unique_ptr.
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
  // In the words of a Go traceback: "select"; or "runnable", "not yet started".
  std::string waits_for;
  std::string file;  // where it waits; before it has waited, where it was started
  std::uint32_t line = 0;
  std::string function;
  std::string start_file{};
  std::uint32_t start_line = 0;
  std::uint32_t start_column = 0;
  std::string start_function{};
};

// One line for each, as in a Deadlock.
std::string ToString(const std::vector<GoroutineReport>& goroutines);

// Thread-safe except for construction and destruction. Only one thread at a time may call Run,
// Advance or AdvanceTo, and it must not be a goroutine of the bubble.
class Bubble {
 public:
  struct Options {
    ClockKind clock = ClockKind::kVirtual;
    TimerMode timers = TimerMode::kGo122;
    std::uint64_t seed = 1;  // for Select's choice among ready cases
    // The seed also chooses which of the goroutines that can run is next, and which of the timers
    // that are due, before or after it: any order in which Go might do it. Virtual clock only.
    bool shuffle = false;
    bool journal = false;  // keep the life of every timer, for Lives
    // Tell callers apart: what is armed or started is counted by line and call stack, which costs
    // 100 to 250 ns each. For code that arms its timers in its wrappers, such as a Clock that
    // tests can replace; `wrappers` names these (SiteFits), and reports then show who called them.
    bool call_stacks = false;
    std::vector<std::string> wrappers{};

    // When a virtual bubble is Stuck. A turn is a call of a goroutine into the run-time, or a
    // goroutine that is resumed; arming a timer counts as six. The default is a second of spinning
    // or a minute of handing over, and at most 500 MB of timers.
    std::uint64_t turns_at_one_instant = 10'000'000;
    // Real time without any turn while a goroutine runs. What computes longer than this in one go
    // needs more. ~Bubble waits as long for goroutines that do not end.
    Duration stuck_after = std::chrono::seconds(60);
  };

  Bubble();
  explicit Bubble(const Options& options);
  Bubble(const Bubble&) = delete;
  Bubble& operator=(const Bubble&) = delete;

  // Ends the bubble. Its goroutines are unwound one after the other where they are blocked
  // (destructors run; anything else they wait for ends them at once), and its pending timers are
  // dropped. Channels and timers may outlive their bubble, but nothing happens to them any more,
  // and blocking on one is a Panic. If a goroutine failed and no call has reported it, the
  // process ends. Whatever goroutines refer to must therefore be declared before their bubble.
  // They are unwound by an exception: code that catches (...) must rethrow it, and a destructor
  // must not block.
  //
  // A goroutine that never blocks is unwound after 10,000 more calls into the run-time, and that is
  // printed to standard error. One that neither blocks nor calls for as long as
  // Options::stuck_after is left behind, which is printed too: its thread goes on, and what the
  // run-time keeps for it stays until the process ends, so that it harms nothing but what it
  // refers to itself. The alternative, to end the process, would lose all other tests of a program.
  ~Bubble();

  // Runs `main` as a goroutine on the calling thread, lets time move as far as that needs, and
  // returns once `main` has returned and the instant is settled. Other goroutines may remain,
  // blocked. Rethrows what `main` or any other goroutine threw meanwhile. Throws Deadlock when
  // `main` waits for something that can never come, and Stuck when time cannot move (virtual clock
  // only). If it is `main` that does not come back, because it spins or waits for a std::mutex
  // that a blocked goroutine holds, nobody can be told: the process ends with the text of Stuck.
  void Run(const std::function<void()>& main,
           std::source_location site = std::source_location::current());

  // Starts a goroutine. In a virtual bubble it first runs at the next Run or Advance, or when the
  // goroutine that started it blocks. If there is no thread for it then, it never runs, and Run or
  // Advance throws std::system_error with the number of goroutines that have one. In a real bubble
  // Go itself throws that, unless there are others to wait for.
  void Go(std::function<void()> body, std::source_location site = std::source_location::current());
  void Go(internal::MoveOnlyBody auto body,
          std::source_location site = std::source_location::current()) {
    Go(internal::Copyable(std::move(body)), site);
  }

  // Lets time pass until `instant`, or for `span` from now, and returns when that instant is
  // settled. With the real clock this takes that long. Rethrows what a goroutine or an event threw.
  // Throws Stuck when time cannot move. Returns early after Interrupt.
  void AdvanceTo(Time instant);
  void AdvanceTo(Duration since_start) { AdvanceTo(Time(since_start)); }
  void Advance(Duration span);

  // Runs `event` at `instant` (at once if that has passed), after the timers of that instant, on
  // the thread that drives the clock. It may use channels and timers but must not block. Events are
  // not timers: no census shows them.
  void At(Time instant, std::function<void()> event);
  void At(Duration since_start, std::function<void()> event) {
    At(Time(since_start), std::move(event));
  }

  // The same, once `instant` is settled: for looking, not for acting. With the real clock it waits
  // up to 50 ms for the goroutines to block. A pending sample does not prevent a Deadlock.
  void SampleAt(Time instant, std::function<void()> sample);
  void SampleAt(Duration since_start, std::function<void()> sample) {
    SampleAt(Time(since_start), std::move(sample));
  }

  // Ends the Run or Advance in progress and every later one. Any thread may call it, but not a
  // signal handler. With the virtual clock no goroutine is resumed after it, and one that runs is
  // unwound after 10,000 more calls into the run-time, if it does not block before; with the real
  // clock this is so for the main goroutine alone.
  void Interrupt();

  Time Now() const;
  const Options& options() const;

  // The exact counters, and the census by site. O(1), and O(everything that is live).
  CensusTotals Totals(Resource resource = Resource::kTimer) const;
  CensusReport Report(Resource resource = Resource::kTimer) const;

  // Begins a window: SiteReport::window_peak_live counts from here on.
  void NextWindow();

  // Everything that is alive, by site: timers, registrations, contexts and goroutines.
  Inventory Alive() const;

  // Every timer there has ever been, in the order of arming; empty without Options::journal.
  std::vector<TimerLife> Lives() const;

  // What each goroutine waits for, and where; oldest first.
  std::vector<GoroutineReport> Goroutines() const;

  // The bubble of the calling thread: its goroutine's, or Default().
  static Bubble& Current();

  // The real bubble of all threads that are in no other. Its timers end with the process.
  static Bubble& Default();

  // Sets what looks at each bubble that is about to end (empty: nothing). For test frameworks. Not
  // thread-safe: no bubble may end meanwhile. Not called for Default().
  static void AtEnd(std::function<void(const Bubble&)> look);

 private:
  friend class internal::Runtime;
  // What goroutines that outlive their bubble see of it. Kept until the process ends.
  explicit Bubble(internal::Runtime& left_behind);

  std::unique_ptr<internal::Runtime, void (*)(internal::Runtime*)> runtime_;
};

// Go's `go` statement: starts a goroutine in the current bubble. An exception that leaves it is
// rethrown by the Run or Advance of the bubble. Bubble::Default() has neither, so there it ends the
// process, as a panic does in Go.
void Go(std::function<void()> body, std::source_location site = std::source_location::current());
void Go(internal::MoveOnlyBody auto body,
        std::source_location site = std::source_location::current()) {
  Go(internal::Copyable(std::move(body)), site);
}

// runtime.NumGoroutine: how many goroutines of the current bubble have not ended, including the one
// that calls it.
int NumGoroutine();

// runtime.Gosched: lets the other goroutines that can run go first, and fires what is due.
void Gosched(std::source_location site = std::source_location::current());

// synctest.Wait: returns when every other goroutine of the current, virtual bubble is blocked and
// the instant is otherwise settled. Time does not move. Panics if another goroutine is in Wait.
void Wait(std::source_location site = std::source_location::current());

}  // namespace afterleak
