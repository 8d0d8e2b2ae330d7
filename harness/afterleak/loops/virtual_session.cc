// A bubble's begin and end, and what it asks of the world.
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_descriptors.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_tables.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {

bool World::Begin(bool pin, Duration stuck_after) {
  const heap::Scope::Suspend suspend;
  Member& self = Self();
  const Lock lock = Locked();
  if (state_.load() != kNone) return false;
  if (tables_ == nullptr) tables_ = new Tables;
  now_ = nudge_ = clock_reads_ = empty_polls_ = 0;
  polled_at_ = 0;
  moved_at_turn_ = turns_.load();
  holds_ = 0;
  tables_->refused.clear();
  tables_->exiting.clear();
  tables_->failure = nullptr;
  owner_ = &self;
  look_ = true;
  pin_ = pin;
  stuck_after_ = stuck_after;
  began_at_ = RealNanoseconds();
  for (Member* member = members_; member != nullptr; member = member->next) Pin(*member);
  state_.store(kBubble, std::memory_order_release);
  return true;
}

void World::End() {
  const heap::Scope::Suspend suspend;
  decltype(tables_->events) never_run;  // what they have captured ends without the lock
  Lock lock = Locked();
  if (std::exchange(has_helper_, false)) {
    ending_ = true;
    Real().pthread_cond_broadcast(&help_);
    lock.unlock();
    Real().pthread_join(helping_thread_, nullptr);
    CloseOurs(helper_.kick);
    lock.lock();
    ending_ = false;
  }
  state_.store(kNone, std::memory_order_release);
  owner_ = nullptr;
  for (Member* member = members_; member != nullptr; member = member->next) {
    Unpin(*member);
    Waiter* const waiter = member->waiter;
    if (waiter == nullptr || waiter->due || waiter->deadline == Time::max()) continue;
    waiter->due = true;
    Wake(*waiter);
  }
  never_run.swap(tables_->events);
  tables_->timers.clear();
}

// Threads that are started later inherit where they may run.
void World::Pin(Member& member) const {
  const pid_t tid = member.tid.load(std::memory_order_acquire);
  if (!pin_ || member.pinned || member.outside > 0 || tid == 0) return;
  if (sched_getaffinity(tid, sizeof member.unpinned, &member.unpinned) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  member.pinned = sched_setaffinity(tid, sizeof one, &one) == 0;
}

void World::Unpin(Member& member) {
  if (!std::exchange(member.pinned, false)) return;
  sched_setaffinity(member.tid.load(std::memory_order_acquire), sizeof member.unpinned,
                    &member.unpinned);
}

std::string World::AdvanceTo(Time limit, const std::function<bool()>& done) {
  pollfd kick = {.fd = Self().kick, .events = POLLIN, .revents = 0};
  Waiter waiter{.call = "Advance", .descriptors = &kick};
  Lock lock = Locked();
  if (driver_ != nullptr) return "Advance inside of Advance: one at a time moves time";
  Register(waiter);
  Drive(waiter, limit, nullptr, done ? &done : nullptr, true, lock);
  Unregister(waiter);
  ignored_ = 0;
  return std::exchange(tables_->refused, {});
}

// The owner waits for another thread, in what only that thread ends: so this one moves time.
void World::Help() {
  self_ = &helper_;
  pollfd kick = {.fd = helper_.kick, .events = POLLIN, .revents = 0};
  Lock lock(mutex_);
  while (!ending_) {
    if (!helping_) {
      Real().pthread_cond_wait(&help_, mutex_.native_handle());
      continue;
    }
    Waiter waiter{.call = "Advance", .descriptors = &kick, .member = &helper_};
    Drive(waiter, SaturatingAdd(now(), kLongestWait), nullptr, nullptr, true, lock);
    Real().pthread_cond_broadcast(&help_);
  }
}

void World::StartHelp() {
  if (!has_helper_) {
    const heap::Scope::Suspend suspend;
    helper_.kick = KeepAsOurs(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    has_helper_ = Real().pthread_create(
                      &helping_thread_, nullptr,
                      [](void*) -> void* {
                        World::Get().Help();
                        return nullptr;
                      },
                      nullptr) == 0;
    if (!has_helper_) return RefuseLocked("there is no thread to move time in a wait");
  }
  helping_ = true;
  Real().pthread_cond_broadcast(&help_);
}

void World::EndHelp(Lock& lock) {
  helping_ = false;
  while (driver_ != nullptr && IsHelper(*driver_)) {
    driver_->due = true;
    KickDriver();
    Real().pthread_cond_wait(&help_, lock.mutex()->native_handle());
  }
}

// Nobody can be told: the thread that would have to be is the one that does not come back.
void World::Die() {
  std::fputs("afterleak: the thread that made the bubble cannot be told: abort\n", stderr);
  std::abort();
}

void World::At(Time instant, bool sample, std::function<void()> event) {
  const heap::Scope::Suspend suspend;
  const Lock lock = Locked();
  tables_->events.emplace(Tables::Order{std::max(instant, now()), sample, tables_->next_event++},
                          std::move(event));
  KickDriver();
}

void World::Fail(std::exception_ptr failure) {
  const Lock lock = Locked();
  if (!tables_->failure) tables_->failure = std::move(failure);
  KickDriver();
}

std::exception_ptr World::TakeFailure() {
  const Lock lock = Locked();
  return std::exchange(tables_->failure, nullptr);
}

void World::EnterOutside() {
  Member& self = Self();
  const Lock lock = Locked();
  if (++self.outside == 1) Unpin(self);
  KickDriver();
}

void World::LeaveOutside() {
  Member& self = Self();
  const Lock lock = Locked();
  if (--self.outside == 0 && HasBubble()) Pin(self);
}

void World::LeaveBehind(Member& member) {
  const Lock lock = Locked();
  ++member.outside;
}

void World::AddHold(int change) {
  const Lock lock = Locked();
  holds_ = std::max(0, holds_ + change);           // one may end in a later bubble
  turns_.fetch_add(1, std::memory_order_acq_rel);  // patience starts again
  KickDriver();
}

}  // namespace afterleak::loops::internal
