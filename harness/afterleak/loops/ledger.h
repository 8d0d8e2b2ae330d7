// The ledger of the event loops: the census, and what is known of each timer object. timers.cc
// writes it; `afterleak watch` reads that of another process, which has all of it in memory that
// both share (census/keeper.h), at one address.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/loops/library.h"
#include "afterleak/loops/objects.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {

// Within 4 ms, which is enough for ages and for what is left, and costs a quarter. It is
// the same in every process.
Time LedgerNow();

// The unit of work that this thread is in; 0: none. It may have ended.
extern constinit thread_local std::uint64_t current_work;

// A lock that another process may hold, too, and that is free again when its holder has died.
class LedgerMutex {
 public:
  LedgerMutex() { Renew(); }
  LedgerMutex(const LedgerMutex&) = delete;
  LedgerMutex& operator=(const LedgerMutex&) = delete;

  void lock();
  bool TryLockFor(Duration patience);  // false: its holder did not let go, or has been stopped
  void unlock() { pthread_mutex_unlock(&mutex_); }
  void Renew();  // in a child of fork that has a copy: nobody holds it

 private:
  pthread_mutex_t mutex_;
};

class Ledger {
 public:
  // Never destroyed: timers end while static objects are destroyed, and after it.
  static Ledger& Get();

  // What the functions of timers.h do, under the lock. Those that arm throw std::bad_alloc.
  void Arm(const LoopTimer& timer, Key key, Time now, Time deadline,
           const afterleak::internal::CallStack& stack, void* data);
  void Make(const LoopTimer& timer, Key key, Time now, const afterleak::internal::CallStack& stack,
            void* data);
  // Arms again what is live: it keeps its site. False where it is not live, or of another kind.
  bool PutOff(const LoopTimer& timer, Key key, Time now, Time deadline, void* data);
  void Fire(Object& object);
  void Stop(Object& object);
  void Free(Object& object);

  // For a library that tells nobody of a firing, where its owner cannot be asked: what ought to
  // have fired before `now` has.
  void FireOverdue(Library library, Time now);

  // The number of that constant here (Object::timer).
  std::uint32_t NumberOf(const LoopTimer& timer);
  // What stands for it here: itself, or a copy where another process reads it.
  const LoopTimer& TimerOf(const Object& object) const { return *timers_[object.timer].kept; }
  const afterleak::internal::CallStack& BornAt(const Object& object) const {
    return *stacks_[object.born];
  }

  Census& census() { return census_; }
  Objects& objects(Library library) { return objects_[static_cast<std::size_t>(library)]; }
  LedgerMutex& mutex() { return mutex_; }
  std::atomic<std::int64_t>& unrecorded() { return unrecorded_; }

  // That a library arms its timers in a way not known here: its version is newer.
  void NotKnown(Library library) { not_known_.fetch_or(1U << static_cast<unsigned>(library)); }
  bool IsKnown(Library library) const {
    return (not_known_.load() >> static_cast<unsigned>(library) & 1) == 0;
  }

 private:
  struct Kept {
    const LoopTimer* timer;
    const LoopTimer* kept;
  };

  Ledger();
  static Ledger* Create();
  void Keep(const afterleak::internal::CallStack& stack);
  bool PutOff(Object& object, std::uint32_t number, Time now, Time deadline, void* data);
  void AdoptIntoWork(Census::Ticket ticket);
  void BecomeIdle(Object& object);

  LedgerMutex mutex_;
  std::atomic<std::int64_t> unrecorded_ = 0;
  std::atomic<std::uint32_t> not_known_ = 0;  // by their bits
  Census census_;
  std::array<Objects, kLibraries> objects_;
  static constexpr std::uint32_t kMostTimers = 128;  // there are some 40 constants
  std::array<Kept, kMostTimers> timers_{};           // found by their address
  afterleak::internal::MappedArray<const afterleak::internal::CallStack*> stacks_;  // by their id
};

}  // namespace afterleak::loops::internal
