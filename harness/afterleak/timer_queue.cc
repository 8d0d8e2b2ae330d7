#include "afterleak/timer_queue.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace afterleak {

TimerQueue::TimerQueue() {
  for (TimerLink& bucket : buckets_) bucket.prev = bucket.next = &bucket;
}

void TimerQueue::Arm(TimerLink& timer, Time deadline) {
  assert(!timer.pending() && deadline >= last_);
  timer.deadline = deadline;
  Append(timer);
  ++size_;
  next_ = std::min(next_, deadline);
}

void TimerQueue::Stop(TimerLink& timer) {
  Remove(timer);
  --size_;
  // Another timer may share the deadline; whoever asks next looks.
  if (timer.deadline == next_) next_known_ = false;
}

TimerLink* TimerQueue::PopDue(Time now) {
  const Time next = NextDeadline();
  if (next > now || next == Time::max()) {
    MoveTo(now);
    return nullptr;
  }
  MoveTo(next);
  TimerLink* first = buckets_[FirstBucket()].next;
  Stop(*first);
  return first;
}

TimerLink* TimerQueue::PopAny() {
  if (size_ == 0) return nullptr;
  TimerLink* timer = buckets_[FirstBucket()].next;
  Stop(*timer);
  return timer;
}

Time TimerQueue::NextDeadline() {
  if (!next_known_) {
    next_ = Time::max();
    if (size_ != 0) {
      const TimerLink& bucket = buckets_[FirstBucket()];
      for (const TimerLink* t = bucket.next; t != &bucket; t = t->next) {
        next_ = std::min(next_, t->deadline);
        if (&bucket < &buckets_[kRadix]) break;  // a bucket of level 0 holds one instant only
      }
    }
    next_known_ = true;
  }
  return next_;
}

std::size_t TimerQueue::BucketOf(Time deadline) const {
  const auto key = static_cast<std::uint64_t>(deadline.time_since_epoch().count());
  const std::uint64_t differing =
      key ^ static_cast<std::uint64_t>(last_.time_since_epoch().count());
  const int level = (static_cast<int>(std::bit_width(differing | 1)) - 1) / kDigitBits;
  return static_cast<std::size_t>(level) * kRadix + (key >> (level * kDigitBits) & (kRadix - 1));
}

std::size_t TimerQueue::FirstBucket() const {
  const auto level = static_cast<std::size_t>(std::countr_zero(levels_));
  return level * kRadix + static_cast<std::size_t>(std::countr_zero(occupied_[level]));
}

void TimerQueue::Append(TimerLink& timer) {
  const std::size_t index = BucketOf(timer.deadline);
  TimerLink& bucket = buckets_[index];
  timer.next = &bucket;
  timer.prev = bucket.prev;
  bucket.prev->next = &timer;
  bucket.prev = &timer;
  occupied_[index / kRadix] |= std::uint64_t{1} << index % kRadix;
  levels_ |= 1u << index / kRadix;
}

void TimerQueue::MarkEmpty(std::size_t index) {
  if ((occupied_[index / kRadix] &= ~(std::uint64_t{1} << index % kRadix)) == 0)
    levels_ &= ~(1u << index / kRadix);
}

void TimerQueue::Remove(TimerLink& timer) {
  timer.prev->next = timer.next;
  timer.next->prev = timer.prev;
  // If only the sentinel is left, its place tells which bucket this was.
  if (timer.prev == timer.next) MarkEmpty(static_cast<std::size_t>(timer.prev - buckets_.data()));
  timer.prev = timer.next = nullptr;
}

// Moves the instant reached to `instant`, before which nothing is pending. Only the bucket that
// `instant` falls into changes: the buckets before it are empty, since all they could hold is
// earlier, and those behind it differ from the old and the new instant in the same digit.
void TimerQueue::MoveTo(Time instant) {
  const std::size_t index = BucketOf(instant);
  last_ = instant;
  if (index < kRadix || (occupied_[index / kRadix] >> index % kRadix & 1) == 0) return;
  TimerLink& bucket = buckets_[index];
  TimerLink* timer = bucket.next;
  bucket.prev = bucket.next = &bucket;
  MarkEmpty(index);
  while (timer != &bucket) {
    TimerLink* next = timer->next;
    Append(*timer);
    timer = next;
  }
}

}  // namespace afterleak
