#include "afterleak/bubble/timer_queue.h"

#include <algorithm>
#include <bit>

namespace afterleak {

TimerQueue::TimerQueue() {
  for (TimerLink& bucket : buckets_) bucket.prev = bucket.next = &bucket;
}

TimerLink* TimerQueue::PopDue(Time now) {
  if (next_known_ && next_ > now) return nullptr;
  while (!empty()) {
    const std::size_t index = FirstBucket();
    TimerLink* first = buckets_[kRun].next;
    // A timer in the run was armed before those with the same deadline that are in a bucket.
    const bool from_run =
        first != &buckets_[kRun] && (index == kRun || first->deadline <= StartOf(index));
    if (!from_run && index >= kRadix) {
      if (StartOf(index) > now) return nullptr;
      Reach(index);
      continue;
    }
    if (!from_run) first = buckets_[index].next;
    if (first->deadline > now || first->deadline == Time::max()) return nullptr;
    Stop(*first);
    return first;
  }
  return nullptr;
}

TimerLink* TimerQueue::PopAny() {
  if (empty()) return nullptr;
  TimerLink* timer = buckets_[FirstBucket()].next;
  Stop(*timer);
  return timer;
}

Time TimerQueue::NextDeadline() {
  if (!next_known_) {
    next_ = Time::max();
    for (const std::size_t index : {FirstBucket(), kRun}) {
      const TimerLink& bucket = buckets_[index];
      for (const TimerLink* t = bucket.next; t != &bucket; t = t->next) {
        next_ = std::min(next_, t->deadline);
        if (Sorted(index)) break;
      }
    }
    next_known_ = true;
  }
  return next_;
}

// Returns the run if all buckets are empty, even if the run is empty too.
std::size_t TimerQueue::FirstBucket() const {
  const auto word = static_cast<std::size_t>(std::countr_zero(words_ | BitOf(WordOf(kRun))));
  return word == WordOf(kRun)
             ? kRun
             : word * 64 + static_cast<std::size_t>(std::countr_zero(occupied_[word]));
}

// The earliest instant a bucket can hold: the digits of last_ above its level, and
// the bucket's digit.
Time TimerQueue::StartOf(std::size_t index) const {
  const std::size_t shift = index / kRadix * kDigitBits;
  const auto last = static_cast<std::uint64_t>(last_.time_since_epoch().count());
  const std::uint64_t above = last & ~((std::uint64_t{kRadix} << shift) - 1);
  return Time(Duration(static_cast<std::int64_t>(above | std::uint64_t{index % kRadix} << shift)));
}

bool TimerQueue::Sorted(std::size_t index) const {
  return (unsorted_[WordOf(index)] & BitOf(index)) == 0;
}

// Moves the instant reached to the start of the first bucket; nothing in a bucket is pending before
// it. Only this bucket changes: the ones after it differ from the old and from the new instant in
// the same digit.
void TimerQueue::Reach(std::size_t index) {
  last_ = StartOf(index);
  TimerLink& bucket = buckets_[index];
  TimerLink& run = buckets_[kRun];
  TimerLink* timer = bucket.next;
  const bool to_run = Sorted(index) && run.next == &run;
  if (to_run) {
    run.next = timer;
    run.prev = bucket.prev;
    run.next->prev = run.prev->next = &run;
    MarkOccupied(kRun);
  }
  bucket.prev = bucket.next = &bucket;
  MarkEmpty(index);
  while (!to_run && timer != &bucket) {
    TimerLink* next = timer->next;
    Append(*timer);
    timer = next;
  }
}

}  // namespace afterleak
