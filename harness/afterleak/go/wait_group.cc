#include "afterleak/go/wait_group.h"

#include "afterleak/bubble/panic.h"

namespace afterleak::sync {

using internal::Guard;
using internal::User;

void WaitGroup::Add(int delta, std::source_location site) {
  const Guard guard(guard_);
  if (counter_ == 0) raiser_ = User(site);
  counter_ += delta;
  if (counter_ < 0) throw Panic("sync: negative WaitGroup counter");
  if (counter_ == 0) waiters_.WakeAll();
}

void WaitGroup::Wait(std::source_location site) {
  constexpr const char* kWait = "sync.WaitGroup.Wait";
  Guard guard(guard_);
  if (counter_ == 0) return;
  // What a test has counted before its bubble runs says nothing about who will call Done.
  if (raiser_.is_virtual()) raiser_.RefuseToWait(kWait, site);
  waiters_.Wait(guard, kWait, site);
  if (counter_ != 0) throw Panic("sync: WaitGroup is reused before previous Wait has returned");
}

}  // namespace afterleak::sync
