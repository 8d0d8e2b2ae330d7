#include "afterleak/go/cond.h"

namespace afterleak::sync {

using internal::Guard;
using internal::User;

void Cond::Wait(std::source_location site) {
  constexpr const char* kWait = "sync.Cond.Wait";
  Guard guard(guard_);
  if (!waiters_.empty()) last_waiter_.RefuseToWait(kWait, site);
  last_waiter_ = User(site);
  locker_.Unlock();  // nobody signals before this goroutine waits, because of the guard
  try {
    waiters_.Wait(guard, kWait, site);
    guard.unlock();
    locker_.Lock(site);
  } catch (...) {
    locker_.LockUnwinding(site);
    throw;
  }
}

void Cond::Signal() {
  const Guard guard(guard_);
  waiters_.WakeFirst();
}

void Cond::Broadcast() {
  const Guard guard(guard_);
  waiters_.WakeAll();
}

}  // namespace afterleak::sync
