// sync::Cond; for users, see sync.h.
#pragma once

#include <mutex>
#include <source_location>

#include "afterleak/go/mutex.h"
#include "afterleak/go/wait_queue.h"

namespace afterleak::sync {

// A condition variable.
//
//   mutex.Lock();
//   while (!condition()) cond.Wait();
//   ...
//   mutex.Unlock();
class Cond {
 public:
  // Go's NewCond. The locker must outlive this.
  explicit Cond(Locker& locker) : locker_(locker) {}
  Cond(const Cond&) = delete;
  Cond& operator=(const Cond&) = delete;

  // Unlocks the locker, blocks until it is signalled ("sync.Cond.Wait" in a report), and locks it
  // again before it returns. Nothing else wakes it. Unwound at the end of a bubble it cannot wait
  // for the lock: it then counts as locked once more, for the unlock that the caller's scope has
  // still to do.
  void Wait(std::source_location site = std::source_location::current());

  // Wakes the goroutine that has waited longest, if there is one; wakes all. It does not matter
  // whether the caller holds the lock.
  void Signal();
  void Broadcast();

  Locker& L() const { return locker_; }

 private:
  Locker& locker_;
  std::mutex guard_;
  internal::WaitQueue waiters_;
  internal::User last_waiter_;
};

}  // namespace afterleak::sync
