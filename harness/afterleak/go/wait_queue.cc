#include "afterleak/go/wait_queue.h"

#include <fmt/format.h>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"

namespace afterleak::internal {

// A blocked goroutine, on that goroutine's stack.
struct WaitQueue::Waiter {
  Runtime& runtime;
  Goroutine& goroutine;
  Waiter* prev = nullptr;
  Waiter* next = nullptr;
  bool queued = false;
  bool gone = false;  // unwound: must not be made ready; guarded by the mutex of its bubble
};

void WaitQueue::Insert(Waiter& waiter, Place place) {
  waiter.prev = place == Place::kFirst ? nullptr : last_;
  waiter.next = place == Place::kFirst ? first_ : nullptr;
  (waiter.prev != nullptr ? waiter.prev->next : first_) = &waiter;
  (waiter.next != nullptr ? waiter.next->prev : last_) = &waiter;
  waiter.queued = true;
}

void WaitQueue::Remove(Waiter& waiter) {
  (waiter.prev != nullptr ? waiter.prev->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->prev : last_) = waiter.prev;
  waiter.queued = false;
}

void WaitQueue::Wait(Guard& guard, const char* waits_for, std::source_location site, Place place) {
  Runtime& runtime = Runtime::Current();
  Lock lock(runtime.mutex());
  Waiter waiter{runtime, runtime.Self()};
  Insert(waiter, place);
  guard.unlock();
  try {
    runtime.Block(waiter.goroutine, waits_for, site, lock);
  } catch (...) {
    waiter.gone = true;
    lock.unlock();
    guard.lock();
    if (waiter.queued) Remove(waiter);
    throw;
  }
  lock.unlock();
  guard.lock();
}

bool WaitQueue::WakeFirst() {
  while (first_ != nullptr) {
    Waiter& waiter = *first_;
    Remove(waiter);
    const Lock lock(waiter.runtime.mutex());
    if (waiter.gone) continue;
    waiter.runtime.Ready(waiter.goroutine);
    return true;
  }
  return false;
}

int WaitQueue::WakeAll() {
  int woken = 0;
  while (WakeFirst()) ++woken;
  return woken;
}

// ---- User

User::User(std::source_location site)
    : runtime_(Runtime::Here()),
      is_virtual_(runtime_ != nullptr && runtime_->options().clock == ClockKind::kVirtual),
      site_(site) {}

void User::RefuseToWait(const char* waits_for, std::source_location site) const {
  const User self(site);
  if (runtime_ == self.runtime_ || !(is_virtual_ || self.is_virtual_)) return;
  throw Panic(fmt::format("{} ({}:{}) would wait for another bubble ({}:{})", waits_for,
                          site.file_name(), site.line(), site_.file_name(), site_.line()));
}

}  // namespace afterleak::internal
