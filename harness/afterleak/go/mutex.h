// sync::Mutex and sync::Locker; for users, see sync.h.
#pragma once

#include <mutex>
#include <source_location>

#include "afterleak/go/wait_queue.h"

namespace afterleak::sync {

// Go's interface sync.Locker: what a Cond waits with. A Mutex, an RWMutex, or its RLocker.
class Locker {
 public:
  virtual void Lock(std::source_location site = std::source_location::current()) = 0;
  virtual void Unlock() = 0;

 protected:
  ~Locker() = default;

 private:
  friend class Cond;
  friend class RWMutex;
  // Locks without waiting, beside the one that holds the lock. Only for a goroutine that is unwound
  // out of Cond::Wait: it cannot wait any more, and what its scopes unlock must not be another's.
  virtual void LockUnwinding(std::source_location site) = 0;
};

// A mutual exclusion lock. It is not recursive. Any goroutine may unlock it, as in Go.
//
// Unlock wakes the goroutine that has waited longest, but the lock is free until that one runs:
// the first to come has it, as in Go's normal mode. A goroutine that was woken in vain is handed
// the lock by the next Unlock, and so are those behind it, as in Go's starvation mode. (Go's
// mode begins when a waiter that is woken in vain has waited for 1 ms.)
//
// 96 bytes. To wait costs what it costs at a channel.
class Mutex final : public Locker {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Blocks until the lock is free ("sync.Mutex.Lock" in a report).
  void Lock(std::source_location site = std::source_location::current()) override;

  // Locks if that needs no waiting; returns whether it did.
  bool TryLock(std::source_location site = std::source_location::current());

  // Panics if it is not locked: "sync: unlock of unlocked mutex". Go ends the program.
  void Unlock() override;

  // The same for std::lock_guard, std::unique_lock and std::scoped_lock.
  void lock(std::source_location site = std::source_location::current()) { Lock(site); }
  bool try_lock(std::source_location site = std::source_location::current()) {
    return TryLock(site);
  }
  void unlock() { Unlock(); }

 private:
  friend class RWMutex;
  void LockFor(const char* waits_for, std::source_location site);
  void LockUnwinding(std::source_location site) override;

  std::mutex guard_;
  internal::WaitQueue waiters_;
  internal::User holder_;
  int held_ = 0;           // above 1 only after LockUnwinding
  bool woken_ = false;     // a waiter was woken to compete for the lock, and has not run yet
  bool starving_ = false;  // one was woken in vain: Unlock hands the lock to the first
  bool handed_ = false;    // to the waiter that was woken last, which has not run yet
};

}  // namespace afterleak::sync
