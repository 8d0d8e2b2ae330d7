// timerfd in virtual time: an eventfd that is written to when the timer is due.
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_behind.h"
#include "afterleak/loops/virtual_descriptors.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_tables.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

static_assert(+TFD_CLOEXEC == +EFD_CLOEXEC && +TFD_NONBLOCK == +EFD_NONBLOCK);

namespace afterleak::loops::internal {
namespace {

// Which descriptors are such timers: read without the lock by every close.
constinit std::array<std::atomic<bool>, 1 << 16> is_timer{};

void Fire(int descriptor, World::Tables::Timer& timer, Time instant) {
  std::uint64_t count = 1;
  if (timer.interval > Duration::zero()) {
    count += static_cast<std::uint64_t>((instant - timer.deadline) / timer.interval);
    timer.deadline = SaturatingAdd(timer.deadline, timer.interval * static_cast<long>(count));
  } else {
    timer.deadline = Time::max();
  }
  [[maybe_unused]] const ssize_t written = write(descriptor, &count, sizeof count);
}

// Takes back what has not been read.
void Drain(int descriptor) {
  pollfd polled = {.fd = descriptor, .events = POLLIN, .revents = 0};
  const timespec none{};
  std::uint64_t count;
  if (Real().ppoll(&polled, 1, &none, nullptr) > 0) [[maybe_unused]]
    const ssize_t drained = read(descriptor, &count, sizeof count);
}

void Show(const World::Tables::Timer& timer, Time now, itimerspec* value) {
  if (value == nullptr) return;
  const Duration left = timer.deadline == Time::max() ? Duration::zero()
                                                      : std::max(Duration(1), timer.deadline - now);
  *value = {.it_interval = ToTimespec(timer.interval), .it_value = ToTimespec(left)};
}

}  // namespace

Time World::Tables::NextTimer() const {
  Time next = Time::max();
  for (const auto& [descriptor, timer] : timers) next = std::min(next, timer.deadline);
  return next;
}

void World::Tables::FireTimers(Time instant) {
  for (auto& [descriptor, timer] : timers) {
    if (timer.deadline <= instant) Fire(descriptor, timer, instant);
  }
}

bool World::HasTimer(int descriptor) {
  return descriptor >= 0 && static_cast<std::size_t>(descriptor) < is_timer.size() &&
         is_timer[static_cast<std::size_t>(descriptor)].load(std::memory_order_acquire);
}

void World::AddTimer(int descriptor, clockid_t clock) {
  const heap::Scope::Suspend suspend;
  const Lock lock = Locked();
  tables_->timers[descriptor] = {.wall = StartOf(clock).at == kWallStart};
  is_timer[static_cast<std::size_t>(descriptor)].store(true, std::memory_order_release);
}

bool World::SetTimer(int descriptor, int flags, const itimerspec& value, itimerspec* old) {
  const Lock lock = Locked();
  const Duration span = ToDuration(value.it_value);
  const auto found = tables_->timers.find(descriptor);
  if (found == tables_->timers.end()) return span == Duration::zero();
  Tables::Timer& timer = found->second;
  Show(timer, now(), old);
  Drain(descriptor);
  timer.interval = ToDuration(value.it_interval);
  timer.deadline = Time::max();
  if (span == Duration::zero()) return true;
  timer.deadline = (flags & TFD_TIMER_ABSTIME) == 0 ? SaturatingAdd(now(), span)
                   : span == Duration::max()
                       ? Time::max()
                       : Time(span - (timer.wall ? kWallStart : kMonotonicStart));
  if (timer.deadline <= now()) Fire(descriptor, timer, now());
  return true;
}

void World::GetTimer(int descriptor, itimerspec* value) {
  const Lock lock = Locked();
  const auto found = tables_->timers.find(descriptor);
  *value = {};  // what was made in a bubble that has ended will not fire
  if (found != tables_->timers.end()) Show(found->second, now(), value);
}

void World::RemoveTimer(int descriptor) {
  const heap::Scope::Suspend suspend;
  const Lock lock = Locked();
  is_timer[static_cast<std::size_t>(descriptor)].store(false, std::memory_order_release);
  if (tables_ != nullptr) tables_->timers.erase(descriptor);
}

}  // namespace afterleak::loops::internal

using namespace afterleak::loops::internal;

extern "C" {

int afterleak_virtual_timerfd_create(int clock, int flags) {
  if (!World::Here() || !StartOf(clock).is_virtual) return Real().timerfd_create(clock, flags);
  const int descriptor = eventfd(0, flags);
  if (descriptor >= static_cast<int>(is_timer.size())) {
    Real().close(descriptor);
    errno = EMFILE;
    return -1;
  }
  if (descriptor >= 0) World::Get().AddTimer(descriptor, clock);
  return descriptor;
}

int afterleak_virtual_timerfd_settime(int descriptor, int flags, const itimerspec* value,
                                      itimerspec* old) {
  if (!World::HasTimer(descriptor)) {
    const int result = Real().timerfd_settime(descriptor, flags, value, old);
    if (result == 0 && World::Here()) {
      World::Get().Refuse("timerfd_settime",
                          "this descriptor was made before the bubble; make it inside");
    }
    return result;
  }
  if (!IsValid(value->it_value) || !IsValid(value->it_interval)) {
    errno = EINVAL;
    return -1;
  }
  if (World::Get().SetTimer(descriptor, flags, *value, old)) return 0;
  World::Get().Refuse("timerfd_settime",
                      "this descriptor was made in a bubble that has ended; make another");
  errno = EINVAL;
  return -1;
}

int timerfd_gettime(int descriptor, itimerspec* value) noexcept {
  if (!World::HasTimer(descriptor)) return Real().timerfd_gettime(descriptor, value);
  World::Get().GetTimer(descriptor, value);
  return 0;
}

int afterleak_virtual_close(int descriptor) {
  if (World::HasTimer(descriptor)) World::Get().RemoveTimer(descriptor);
  if (!IsOurs(descriptor)) return Real().close(descriptor);
  errno = EBADF;
  return -1;
}

}  // extern "C"
