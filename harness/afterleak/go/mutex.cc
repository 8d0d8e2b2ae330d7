#include "afterleak/go/mutex.h"

#include <utility>

#include "afterleak/bubble/panic.h"

namespace afterleak::sync {

using internal::Guard;
using internal::User;
using internal::WaitQueue;

void Mutex::Lock(std::source_location site) { LockFor("sync.Mutex.Lock", site); }

void Mutex::LockFor(const char* waits_for, std::source_location site) {
  Guard guard(guard_);
  for (WaitQueue::Place place = WaitQueue::Place::kLast; held_ > 0;) {
    holder_.RefuseToWait(waits_for, site);
    waiters_.Wait(guard, waits_for, site, place);
    woken_ = false;
    if (std::exchange(handed_, false)) break;
    starving_ = held_ > 0;
    place = WaitQueue::Place::kFirst;
  }
  held_ = 1;
  holder_ = User(site);
}

bool Mutex::TryLock(std::source_location site) {
  const Guard guard(guard_);
  if (held_ > 0) return false;
  held_ = 1;
  holder_ = User(site);
  return true;
}

void Mutex::Unlock() {
  const Guard guard(guard_);
  if (held_ == 0) throw Panic("sync: unlock of unlocked mutex");
  if (--held_ > 0 || woken_) return;
  const bool woken = waiters_.WakeFirst();
  (starving_ ? handed_ : woken_) = woken;
  held_ = handed_ ? 1 : 0;
  starving_ = starving_ && !waiters_.empty();
}

void Mutex::LockUnwinding(std::source_location site) {
  const Guard guard(guard_);
  if (held_++ == 0) holder_ = User(site);
}

}  // namespace afterleak::sync
