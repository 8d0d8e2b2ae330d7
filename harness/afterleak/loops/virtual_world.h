// A process in virtual time: its clock, its threads, and what each of them waits for.
//
// Time stands still while a thread runs. A thread that waits in one of the functions that are stood
// in front of is registered here with its deadline, and sleeps until its descriptors are ready or
// it is told. The last one to block moves time to the next deadline, up to a limit that the driver
// has set: the thread in LoopBubble::AdvanceTo, or that made the bubble and waits itself. Where
// counting does not tell that everyone is blocked, the driver looks in /proc (virtual_settle.cc).
//
// Everything here is thread-safe. The lock is never held while code of the program runs.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "afterleak/census/clock.h"

namespace afterleak::loops::internal {

// What the clocks show when a bubble begins: whole seconds, so that what is rounded to milliseconds
// is rounded alike in every run. The wall clock begins with 2024.
constexpr Duration kMonotonicStart = std::chrono::seconds(1'000'000);
constexpr Duration kWallStart = std::chrono::seconds(1'704'067'200);

// After this many reads of the clock: does the thread that made the bubble poll it?
constexpr std::int64_t kLooksAfter = 1 << 20;

// How far time moves in a wait of the thread that made the bubble.
constexpr Duration kLongestWait = std::chrono::hours(24);

struct Waiter;

// A thread of the process.
struct Member {
  int number = 0;             // in the order of their start; 1 is the main thread
  std::atomic<pid_t> tid{0};  // 0: it has not run yet
  int kick = -1;              // an eventfd that wakes it
  int status = -1;            // /proc/self/task/TID/status
  // How many Outside it is in: it lives in real time. Changed under the lock; itself reads it.
  std::atomic<int> outside{0};
  Waiter* waiter = nullptr;
  cpu_set_t unpinned{};  // where it may run when the bubble has ended
  bool pinned = false;
  std::int64_t checked = -1;  // how often it had been switched when its system call was looked at
  std::int64_t held = -1;     // the same, when it was seen to wait for another process
  std::int64_t held_at = 0;   // in real time
  std::vector<pollfd> descriptors;  // room for those that it waits for
  Member* next = nullptr;
  Member* previous = nullptr;
};

// A thread's wait, on its stack.
struct Waiter {
  enum class Kind : std::uint8_t {
    kDescriptors,  // blocked as soon as it is registered
    kWord,         // a condition variable or a futex: blocked once it is seen to be
  };
  Kind kind = Kind::kDescriptors;
  const char* call = "";  // the function that waits
  Time deadline = Time::max();
  pollfd* descriptors = nullptr;  // with room for one more, the kick
  std::size_t count = 0;
  const void* word = nullptr;  // what it waits on, and its size
  std::size_t word_size = 0;
  void (*wake)(const void* word) = nullptr;
  bool due = false;   // it has been told, and has not left
  bool seen = false;  // asleep, and nobody has touched its word since
  Member* member = nullptr;
};

// Lets the time of a whole program pass, from outside: `afterleak watch --virtual`. The functions
// are called in a thread that is not in the bubble, but for `refused`.
struct Steering {
  struct Stretch {
    Time until;
    bool when_idle;  // also where no deadline is left; else the program waits for the outside then
  };
  Stretch (*next)();  // waits until there is one
  void (*passed)();   // it has passed, and its end is settled
  // Time cannot move, or would be wrong. Does not return; it may be called under the world's lock.
  void (*refused)(const char* line);
  std::atomic<std::int64_t>* now;  // shows it to others; what is in it is where the bubble begins
};

// Knows whether the calling thread has it. While that thread allocates, tcmalloc may wait in a
// function that is stood in front of, and such a wait must not come here.
class WorldMutex {
 public:
  void lock() {
    held_ = true;
    mutex_.lock();
  }
  void unlock() {
    mutex_.unlock();
    held_ = false;
  }
  pthread_mutex_t* native_handle() { return mutex_.native_handle(); }

  static bool IsHeld() { return held_; }

 private:
  std::mutex mutex_;
  static constinit thread_local bool held_;
};

class World {
 public:
  struct Tables;  // what is on the heap

  static World& Get() { return world_; }

  // True if the calling thread is in virtual time. One load where there is no bubble.
  static bool Here() {
    return state_.load(std::memory_order_acquire) != kNone && !WorldMutex::IsHeld() && InBubble();
  }
  // The same for a clock that is read: that makes no record of a thread. LeakSanitizer reads one in
  // a thread that has not begun yet.
  static bool ShowsTime() { return self_ == nullptr ? Anywhere() && !ended_ : Here(); }
  static bool Anywhere() { return HasBubble() && !WorldMutex::IsHeld(); }
  // The calling thread is the one that made the bubble: time moves while it waits, by its waiting.
  static bool IsOwners() {
    return Here() && world_.owner_.load(std::memory_order_relaxed) == self_;
  }

  // Since the bubble's start; the second is what clocks show, which is up to 100 µs later.
  Time now() const { return Time(Duration(now_.load(std::memory_order_acquire))); }
  Duration shown() {
    if (clock_reads_.fetch_add(1, std::memory_order_relaxed) % kLooksAfter == kLooksAfter - 1)
      CheckPolling();
    return Duration(now_.load(std::memory_order_acquire) + nudge_.load(std::memory_order_acquire));
  }

  // The calling thread's record.
  static Member& Self();
  void Started(Member& member);  // by its parent; it is running from now on
  void Runs(Member& member);     // by itself
  void Ended(Member& member);
  void BeforeFork();
  void AfterFork(bool is_child);

  // Waits for descriptors, or until the deadline. Returns more than 0 if some are ready, 0 if the
  // deadline has come, -1 with errno if a signal came. `turns` is what turns() was before the
  // descriptors were last looked at.
  int Wait(Waiter& waiter, const sigset_t* mask, std::uint64_t turns);
  std::uint64_t turns() const { return turns_.load(std::memory_order_acquire); }

  // A wait for a word: what blocks is the caller's, between the two. Enter is false if the deadline
  // has passed; Leave is true if it came meanwhile.
  bool Enter(Waiter& waiter);
  bool Leave(Waiter& waiter);
  // Somebody wakes those who wait on the word.
  void Touch(const void* word);

  // A poll that would not wait, and found nothing. A loop that asks again and again wants the clock
  // later than its deadline, not equal to it: so the ninth moves what clocks show by 1 µs.
  void EmptyPoll();

  // Counting does not tell what a signal has woken.
  void Look() { look_.store(true, std::memory_order_release); }

  // timerfds, each an eventfd: a read gives the sum of what was written, as that of a timerfd does.
  void AddTimer(int descriptor, clockid_t clock);
  static bool HasTimer(int descriptor);
  // False: it was made in a bubble that has ended. It can be disarmed, which is no change.
  bool SetTimer(int descriptor, int flags, const itimerspec& value, itimerspec* old);
  void GetTimer(int descriptor, itimerspec* value);
  void RemoveTimer(int descriptor);

  // What cannot work in virtual time: said once on standard error. The bubble's next call throws.
  void Refuse(const char* call, const char* why);

  // The bubble is the whole program, from now on.
  void Steer(const Steering& steering);

  // For LoopBubble.
  bool Begin(bool pin, Duration stuck_after);  // false if there is a bubble
  void End();
  // Until the limit is settled, or `done`, if given, is true of a settled instant. Empty, or why
  // time cannot move.
  std::string AdvanceTo(Time limit, const std::function<bool()>& done);
  void At(Time instant, bool sample, std::function<void()> event);
  void EnterOutside();
  void LeaveOutside();
  void AddHold(int change);
  // One line for each thread that is in virtual time.
  std::string Threads();
  // It lives in real time from now on.
  void LeaveBehind(Member& member);
  void Fail(std::exception_ptr failure);
  std::exception_ptr TakeFailure();

 private:
  constexpr World() = default;

  enum State : int { kNone, kBubble, kForked };
  using Lock = std::unique_lock<WorldMutex>;

  static bool HasBubble() { return state_.load(std::memory_order_acquire) == kBubble; }
  static bool InBubble();
  // The only way to take the lock: a thread that waits for it sleeps, and is not settled.
  Lock Locked();
  void Register(Waiter& waiter);
  void Unregister(Waiter& waiter);
  void MoveIfLast(Waiter& self, bool just_polled);
  bool MoveTo(Time instant, const Waiter* self);
  static void Wake(Waiter& waiter);
  static void Kick(Member& member);
  void KickDriver();
  Time NextDue() const;
  Time NextEvent() const;
  bool Counted(const Member& member) const;
  bool AnyReady();
  bool Settled();
  bool AllAsleep();
  bool IsHeld(Member& member, std::int64_t switches) const;
  // 1: descriptors are ready, or `done`; 0: the limit or the deadline; -1: a signal, or a failure.
  // An advance goes on after a signal, and a helper after what another thread did wrong.
  int Drive(Waiter& self, Time limit, const sigset_t* mask, const std::function<bool()>* done,
            bool advance, Lock& lock);
  void RunEvent(Lock& lock);
  int OwnersNumber() const {
    const Member* const owner = owner_.load(std::memory_order_relaxed);
    return owner != nullptr ? owner->number : 0;
  }
  bool IsHelper(const Waiter& driver) const {
    return driver.member == &helper_ && steering_ == nullptr;
  }
  [[noreturn]] void BeSteered();
  bool WaitsForOutside(Time next) const {
    return steering_ != nullptr && !when_idle_ && next == Time::max();
  }
  void Help();  // while the owner waits for another thread, this one drives
  void StartHelp();
  void EndHelp(Lock& lock);
  [[noreturn]] void Die();
  bool CheckProgress(bool settled);
  void CheckPolling();
  void RefuseLocked(const std::string& line);
  std::string ThreadsLocked();
  void Pin(Member& member) const;
  static void Unpin(Member& member);

  static World world_;
  static std::atomic<int> state_;
  static constinit thread_local Member* self_;
  static constinit thread_local bool ended_;  // what a sanitizer still does in it is not waited for

  WorldMutex mutex_;
  std::atomic<std::int64_t> now_{0};
  std::atomic<std::int64_t> nudge_{0};
  std::atomic<std::int64_t> clock_reads_{0};
  std::atomic<std::int64_t> empty_polls_{0};
  std::atomic<std::uint64_t> turns_{0};  // waits that began or ended
  std::atomic<int> entering_{0};         // threads between a wait and the program
  std::atomic<bool> look_{false};
  int holds_ = 0;
  int threads_ = 0;
  Member* members_ = nullptr;
  std::atomic<Member*> owner_{nullptr};
  Waiter* driver_ = nullptr;
  Time limit_{};
  Member helper_{};
  pthread_t helping_thread_{};
  pthread_cond_t help_ = PTHREAD_COND_INITIALIZER;
  bool has_helper_ = false;
  bool helping_ = false;
  bool ending_ = false;
  int ignored_ = 0;      // refusals that the owner has not heard, because it goes on waiting
  bool kicked_ = false;  // the driver
  bool in_event_ = false;
  bool pin_ = false;
  const Steering* steering_ = nullptr;
  bool when_idle_ = false;
  Duration stuck_after_{};
  std::int64_t began_at_ = 0;        // in real time
  std::uint64_t progress_ = 0;       // turns_ when the driver last looked
  std::int64_t progress_at_ = 0;     // in real time
  std::uint64_t moved_at_turn_ = 0;  // turns_ when time last moved
  std::uint64_t polled_ = 0;         // the same two, when that thread was last seen to read clocks
  std::int64_t polled_at_ = 0;
  Tables* tables_ = nullptr;  // from the first bubble on
};

}  // namespace afterleak::loops::internal
