// Runtime: the inside of a bubble. Channels, timers, contexts and signals are built on it.
// Users want bubble.h.
//
// One mutex guards everything in a bubble: its queue, census, channels and goroutines. Every
// method expects it to be held unless it says otherwise; methods that release it for a time
// take the Lock. No user code runs while it is held, except the move constructors of values
// that pass through channels.
//
// The virtual clock has no thread. A goroutine that blocks hands the baton to the next one that can
// run. The last one to block finds no successor, so it drives: it fires what is due and moves the
// clock, on its own thread and stack, until some goroutine (often itself) can run again. The real
// clock has a thread, which sleeps until the next deadline.
//
// Goroutines of a real bubble run in parallel, but as in Go (GOMAXPROCS) no new one starts while as
// many run as there are processors: it waits until one of them blocks or ends. A thousand callbacks
// in a row thus need only a few threads, and only what is blocked keeps one each. A goroutine that
// blocks outside this run-time, in a system call or on a std::mutex, looks as if it were running.
// So when no waiting goroutine has been started for 10 ms, the clock's thread starts one more, as
// Go's sysmon does. A thread that has been idle for a second ends, but in a virtual bubble not
// before the drive does.
//
// A request that fails for lack of memory or threads throws to its caller and changes nothing. If
// there is no caller, as in a callback that is due, it fails the bubble (Fail).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/keepsake.h"
#include "afterleak/bubble/timer_queue.h"
#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {

class Runtime;
using Lock = std::unique_lock<std::mutex>;

// Thrown through a goroutine whose bubble is ending. It is not a std::exception, so that user code
// does not swallow it out of habit.
struct Unwind {};

// Something that waits in a bubble's run queue.
struct Runnable {
  Runnable* next_runnable = nullptr;
  // Resumes it, here or on its own thread; true if that thread now has the baton. May release
  // the lock meanwhile.
  virtual bool Resume(Runtime& runtime, Lock& lock) = 0;

 protected:
  ~Runnable() = default;
};

// First come, first served. Links the waiting tasks and allocates nothing.
class RunQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  void Append(Runnable& task) {
    task.next_runnable = nullptr;
    (first_ == nullptr ? first_ : last_->next_runnable) = &task;
    last_ = &task;
  }
  bool alone() const { return first_ == last_; }  // for a queue that is not empty
  Runnable& first() const { return *first_; }
  Runnable& Take() { return *std::exchange(first_, first_->next_runnable); }
  // Takes one that has others before it: O(those).
  void Remove(Runnable& task) {
    Runnable** link = &first_;
    Runnable* before = nullptr;
    for (; *link != &task; link = &before->next_runnable) before = *link;
    *link = task.next_runnable;
    if (last_ == &task) last_ = before;
  }
  std::uint32_t size() const {  // O(size)
    std::uint32_t size = 0;
    for (Runnable* task = first_; task != nullptr; task = task->next_runnable) ++size;
    return size;
  }
  Runnable& at(std::uint32_t index) const {  // O(index)
    Runnable* task = first_;
    while (index-- > 0) task = task->next_runnable;
    return *task;
  }

 private:
  Runnable* first_ = nullptr;
  Runnable* last_ = nullptr;
};

// A goroutine, or a foreign thread while it is blocked in a real bubble.
struct Goroutine final : Runnable {
  enum class State : std::uint8_t { kNew, kRunnable, kRunning, kBlocked };

  explicit Goroutine(std::source_location site)
      : started(site), where(site), link{this}, place(link.begin()) {}
  bool Resume(Runtime& rt, Lock& lock) override;

  Runtime* runtime = nullptr;
  std::uint64_t id = 0;
  State state = State::kNew;
  bool foreign = false;        // a thread outside any bubble
  bool unwinds = false;        // must throw Unwind when it wakes
  Census::Ticket ticket = 0;   // 0: not counted (Run's main goroutine, a foreign thread)
  int overtime = 0;            // calls into the run-time since it should have ended
  const char* waits_for = "";  // while blocked, in the words of a Go traceback
  const std::source_location started;
  std::source_location where;  // its last call into the run-time; at first, where it was started
  std::function<void()> body;
  heap::ScopeRef heap_scope;  // of the goroutine that started it
  std::condition_variable wake;
  // Holds its node while the runtime's list does not, so that listing it allocates nothing.
  std::list<Goroutine*> link;
  std::list<Goroutine*>::iterator place;
};

// A pending deadline. What firing it does is up to the layers above.
struct Alarm : TimerLink {
  // The deadline has come, and the alarm is no longer pending. Must not run user code: that goes to
  // Enqueue or Go. If there is no memory or thread for it, the bubble fails (Runtime::Fail), and
  // the alarm still counts as fired. Releases the lock only where Drop would.
  virtual void Fire(Runtime& runtime, Lock& lock) = 0;
  // The bubble ends while this is pending; it has already left the queue. Releases the lock to
  // destroy anything that belongs to the user.
  virtual void Drop(Lock& lock) = 0;

 protected:
  ~Alarm() override = default;
};

// While it lives, the calling thread runs for `runtime`: as a goroutine, or (null) as an event.
class EnterRuntime {
 public:
  EnterRuntime(Runtime* runtime, Goroutine* goroutine);
  ~EnterRuntime();
  EnterRuntime(const EnterRuntime&) = delete;
  EnterRuntime& operator=(const EnterRuntime&) = delete;

 private:
  Runtime* const runtime_;
  Goroutine* const goroutine_;
};

class Runtime {
 public:
  Runtime(const Bubble::Options& options, Bubble& bubble);

  // ---- for bubble.cc: as documented in bubble.h; these take the mutex themselves
  void Run(const std::function<void()>& main, std::source_location site);
  void AdvanceTo(Time instant);
  void At(Time instant, bool sample, std::function<void()> event);
  void Interrupt();
  Bubble& bubble() { return *bubble_.load(std::memory_order_relaxed); }
  void FailuresEndTheProcess() { failures_end_process_ = true; }
  // Unwinds, tears down, and deletes the runtime once no channel refers to it.
  static void Close(Runtime* runtime);

  // ---- for the layers above
  // The runtime of the calling thread: its goroutine's, or the default bubble's.
  static Runtime& Current();
  // The same, or null for a thread outside any bubble.
  static Runtime* Here();

  const Bubble::Options& options() const { return options_; }
  std::mutex& mutex() { return mutex_; }
  Time Now() const;
  std::vector<GoroutineReport> Goroutines() const;
  void TakeGoroutines(Inventory& inventory) const;
  int NumGoroutine() const;
  Census& census() { return census_; }
  TimerQueue& queue() { return queue_; }

  // Adds an alarm to the queue, unless the bubble has ended. Throws std::system_error, and adds
  // nothing, if the real clock cannot get its thread.
  void Arm(Alarm& alarm, Time deadline);

  // The same for an alarm that a census counts, at `now`: opens its record and returns the ticket,
  // or 0 if the bubble has ended. If it throws, std::bad_alloc included, neither has happened.
  Census::Ticket Arm(Alarm& alarm, Time now, Time deadline, const TimerKind& kind,
                     std::uint32_t bytes, const Site& site);

  // Starts a goroutine; does nothing in a bubble that is ending. Takes `body` only on success,
  // because nothing of the user's may be destroyed under the lock. Throws std::bad_alloc, or
  // std::system_error if a real bubble has no thread for it and none to wait for.
  void Go(std::function<void()>&& body, std::source_location site);

  // A call of the calling thread into the run-time, at `site`. Every operation that a loop could
  // consist of says so, before it has done anything. Throws Unwind through a goroutine that goes on
  // calling although its bubble must end.
  void Turn(std::source_location site, std::uint64_t turns = 1);

  // The calling thread must not block here: time would stand still, in its own virtual bubble or in
  // this one. For the caller to say with what.
  bool Elsewhere() const;

  // What to pass to Fail for the exception being handled, which has reached the bubble. In
  // Bubble::Default() it ends the process instead.
  std::exception_ptr Caught() const;
  // The Run or Advance in progress, or the next one, throws the first of these.
  void Fail(std::exception_ptr failure);

  // The calling goroutine, which is about to block. Throws Panic if the caller must not block here.
  Goroutine& Self();

  // Blocks the calling goroutine until Ready is called for it. `waits_for` is a literal, in the
  // words of a Go traceback. Throws Unwind if the bubble ends meanwhile; the lock is held again in
  // that case too.
  void Block(Goroutine& self, const char* waits_for, std::source_location site, Lock& lock);

  // Makes a blocked goroutine runnable.
  void Ready(Goroutine& goroutine);

  // Queues `task` to be resumed in turn, like a goroutine that starts only at this instant. The
  // task must outlive that.
  void Enqueue(Runnable& task);

  // Puts the calling goroutine behind all others that can run.
  void Yield(std::source_location site, Lock& lock);

  // A number below `bound`, from the bubble's seed.
  std::uint32_t Random(std::uint32_t bound);

  // Channels count themselves, so that a runtime outlives the last of them.
  void AddObject() { ++objects_; }
  // Unlocks, because a runtime whose bubble has ended goes with its last object.
  void RemoveObject(Lock& lock);
  // For callers that know that the bubble has not ended.
  void RemoveObject() { --objects_; }

  // While it refers to something, a goroutine is in Wait.
  std::weak_ptr<Goroutine*>& waiter() { return waiter_; }

  // What the signal layer keeps for a bubble. It goes first when the bubble ends.
  std::shared_ptr<void>& signals() { return signals_; }

 private:
  friend struct Goroutine;
  friend class Keepsake;

  struct Worker {  // a thread that runs one goroutine after another
    std::thread thread;
    std::condition_variable wake;
    Goroutine* assigned = nullptr;
  };
  using Workers = std::list<Worker>;  // spliced between lists, which allocates nothing
  struct Stillness {  // how long, by a watcher's looks, the bubble has been at one place
    std::pair<Time, std::uint64_t> place{};
    Duration lasts{};
  };
  struct EventKey {
    Time instant;
    bool sample;
    auto operator<=>(const EventKey&) const = default;
  };
  using Events = std::multimap<EventKey, std::function<void()>>;

  ~Runtime() = default;

  bool is_virtual() const { return options_.clock == ClockKind::kVirtual; }
  bool shuffles() const { return options_.shuffle && is_virtual(); }

  // runtime.cc: goroutines, and the threads they run on
  void Enlist(Goroutine& goroutine) { goroutines_.splice(goroutines_.end(), goroutine.link); }
  void Delist(Goroutine& goroutine) {
    goroutine.link.splice(goroutine.link.end(), goroutines_, goroutine.place);
  }
  void RefuseInside() const;
  void Wake(Goroutine& goroutine);
  void Assign(Goroutine& goroutine);
  void StartWorker(Goroutine* goroutine);
  void StartWaiting();
  bool StartFirstWaiting();
  void RunBody(Goroutine& goroutine, const std::function<void()>& body, Lock& lock);
  void Discard(Goroutine& goroutine, Lock& lock);
  void WorkerLoop(Workers::iterator worker);
  void RetireWorker(Workers::iterator worker, Lock& lock);
  void RethrowFailure(Lock& lock);
  void UnwindGoroutines(Lock& lock);
  void LeaveBehind();
  void EndRoot();
  void Stop();

  // runtime_stuck.cc: what cannot go on
  void Overrun(Goroutine* caller);
  void BeStuck(const std::string& reason);
  void TooManyTurns();
  void NobodyCalls();
  void AwaitTurn(Goroutine& self, Lock& lock);
  void StartWatching();
  void LookAfterCaller(Stillness& still, Duration look);
  void CallerIsGone();
  Duration LookLength() const;
  bool Watch(std::condition_variable& wake, Lock& lock, const std::function<bool()>& done);

  // keepsake.cc
  void EmptyKeepsakes(Lock& lock);

  // runtime_clock.cc: what makes time pass
  void Drive(Time limit, Lock& lock);
  void Dispatch(Lock& lock);
  bool Step(Lock& lock);
  bool FireDue(Time now, Lock& lock);
  void RunEvent(Lock& lock);
  Time NextEvent(bool samples_too) const;
  void ClockLoop();
  void StartClock();
  void WakeClock(Time deadline);
  void WatchWaiting();
  void StartStalled(Time now, Lock& lock);
  std::chrono::steady_clock::time_point Steady(Time instant) const;

  const Bubble::Options options_;
  std::atomic<Bubble*> bubble_;
  const Time start_ = RealNow();  // of the real clock
  std::mutex mutex_;

  Time now_{};  // of the virtual clock
  TimerQueue queue_;
  Census census_;
  Events events_;
  std::uint64_t random_;

  std::list<Goroutine*> goroutines_;  // all that have not ended, oldest first
  std::uint64_t last_id_ = 0;
  int running_ = 0;  // those neither blocked nor waiting for their turn
  RunQueue run_queue_;
  Workers busy_;
  Workers idle_;  // the one that ran last is at the end, and runs next
  Workers left_;  // at most one, whose thread is ending: to be joined

  // Goroutines of a real bubble that have never run and are waiting for a thread.
  RunQueue waiting_;
  Time waiting_moved_{};  // when one of them last got a thread, or the first one arrived
  Time starved_since_{};  // when some goroutine last ran, or the first one arrived

  // The drive in progress. Nothing runs in a virtual bubble outside of one.
  bool driving_ = false;
  Time limit_{};
  Goroutine* root_ = nullptr;  // Run's main goroutine
  std::string deadlock_;       // what Run must throw
  bool caller_waits_ = false;  // the thread that called Run or Advance, for the others
  std::condition_variable outside_;

  // The turns at this instant of virtual time, and how many there may be: none once the bubble
  // must stop, so that one comparison finds both.
  std::uint64_t turns_ = 0;
  std::uint64_t turn_limit_;
  std::exception_ptr stuck_;  // what every Run and Advance throws from now on

  std::exception_ptr failure_;
  bool failures_end_process_ = false;
  bool in_event_ = false;
  bool interrupted_ = false;
  bool closing_ = false;
  bool unwound_ = false;      // no goroutine is left, except for those left behind
  bool left_behind_ = false;  // goroutines that do not end: nothing they may use is destroyed
  bool closed_ = false;
  Runtime* next_left_behind_ = nullptr;

  std::thread clock_thread_;
  std::condition_variable clock_wake_;
  Time clock_sleeps_until_{};  // the start of time while it is awake
  std::condition_variable quiet_;

  std::int64_t objects_ = 0;
  Keepsake* keepsakes_ = nullptr;
  std::weak_ptr<Goroutine*> waiter_;
  std::shared_ptr<void> signals_;
};

}  // namespace afterleak::internal
