// sync::RWMutex; for users, see sync.h.
#pragma once

#include <mutex>
#include <source_location>

#include "afterleak/go/mutex.h"
#include "afterleak/go/wait_queue.h"

namespace afterleak::sync {

// A lock that any number of readers hold, or one writer. A writer that waits for readers lets no
// new ones in; when it unlocks, the readers that wait go first, all of them, and then the next
// writer. So a goroutine must not lock for reading twice.
class RWMutex final : public Locker {
 public:
  constexpr RWMutex() = default;
  RWMutex(const RWMutex&) = delete;
  RWMutex& operator=(const RWMutex&) = delete;

  // For writing ("sync.RWMutex.Lock" in a report). Unlock panics if it is not locked for writing:
  // "sync: Unlock of unlocked RWMutex".
  void Lock(std::source_location site = std::source_location::current()) override;
  bool TryLock(std::source_location site = std::source_location::current());
  void Unlock() override;

  // For reading ("sync.RWMutex.RLock"). RUnlock panics if nobody reads: "sync: RUnlock of unlocked
  // RWMutex". TryRLock fails while a writer holds the lock or waits for readers to leave.
  void RLock(std::source_location site = std::source_location::current());
  bool TryRLock(std::source_location site = std::source_location::current());
  void RUnlock();

  // The same lock, as a Locker that locks for reading.
  Locker& RLocker() { return reader_; }

  // The same for std::unique_lock and std::shared_lock.
  void lock(std::source_location site = std::source_location::current()) { Lock(site); }
  bool try_lock(std::source_location site = std::source_location::current()) {
    return TryLock(site);
  }
  void unlock() { Unlock(); }
  void lock_shared(std::source_location site = std::source_location::current()) { RLock(site); }
  bool try_lock_shared(std::source_location site = std::source_location::current()) {
    return TryRLock(site);
  }
  void unlock_shared() { RUnlock(); }

 private:
  class Reader final : public Locker {
   public:
    constexpr explicit Reader(RWMutex& mutex) : mutex_(mutex) {}
    void Lock(std::source_location site) override { mutex_.RLock(site); }
    void Unlock() override { mutex_.RUnlock(); }

   private:
    void LockUnwinding(std::source_location site) override;
    RWMutex& mutex_;
  };

  void LockUnwinding(std::source_location site) override;
  void LetReadersIn();

  // The lock of the writers among themselves; taken before the guard, given back under it.
  Mutex writers_;
  std::mutex guard_;
  internal::WaitQueue waiting_readers_;
  internal::WaitQueue waiting_writer_;  // has the lock of the writers, and waits for readers
  bool writer_waits_ = false;
  int writing_ = 0;  // above 1, or with readers, only after LockUnwinding
  int reading_ = 0;
  internal::User last_writer_;
  internal::User last_reader_;
  Reader reader_{*this};
};

}  // namespace afterleak::sync
