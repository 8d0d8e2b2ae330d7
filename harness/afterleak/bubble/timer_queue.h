// TimerQueue: pending deadlines in exact order. Arm and stop are O(1) however many are pending.
//
// A monotone radix queue (Ahuja, Mehlhorn, Orlin, Tarjan: "Faster algorithms for the shortest path
// problem", J. ACM 37, 1990) on intrusive lists, with digits of several bits instead of one. Time
// only moves forward, so a deadline can be filed by the highest digit in which it differs from
// `last_`, the instant the queue has reached. The place of that digit is the level of its bucket,
// and its value is the bucket in that level. In decimal digits:
//
//     last_      4075
//     4075       level 0, bucket 5     due at this very instant
//     4078       level 0, bucket 8
//     4081..4089 level 1, bucket 8
//     41xx       level 2, bucket 1
//     7xxx       level 3, bucket 7
//
// When time reaches a bucket, its timers are spread over the levels below it, so a timer moves at
// most once for each of its digits, and usually only a few times. A bucket whose timers arrived in
// the order of their deadlines, as timers of one duration do, is not spread but becomes the run: a
// list that is consumed from its head. Equal deadlines always share a bucket, and a bucket is first
// come, first served, so timers leave in exact (deadline, arming) order.
//
// A timer's bucket is implied by its deadline. A node is two links, a deadline and a vtable
// pointer, and the queue allocates nothing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "afterleak/census/clock.h"

namespace afterleak {

// What a pending timer inherits. The owner of the timer owns the node; the queue only links it.
// Polymorphic, so that a link points to the address of a vtable pointer: Valgrind's Memcheck
// takes that for a pointer to the whole block, and would otherwise report every pending timer
// as possibly lost.
struct TimerLink {
  TimerLink() = default;
  TimerLink(const TimerLink&) = delete;
  TimerLink& operator=(const TimerLink&) = delete;
  virtual ~TimerLink() = default;

  TimerLink* prev = nullptr;
  TimerLink* next = nullptr;
  Time deadline{};

  bool pending() const { return next != nullptr; }
};

// Not thread-safe: the bubble that owns the queue locks it. Neither copyable nor movable, because
// nodes point into it.
class TimerQueue {
 public:
  TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Adds a timer that is not pending. `deadline` must not be earlier than the instant last passed
  // to PopDue. A deadline of Time::max() is never due. O(1).
  void Arm(TimerLink& timer, Time deadline);

  // Removes a pending timer. O(1).
  void Stop(TimerLink& timer);

  // Removes and returns the first timer, by (deadline, arming), that is due at `now`, or null if
  // none is. `now` never goes backwards. Amortised O(1): a timer is moved at most once for each
  // digit of its delay.
  TimerLink* PopDue(Time now);

  // Removes any timer, or returns null if there is none. For tearing a queue down; the
  // order is unspecified.
  TimerLink* PopAny();

  // The earliest deadline, exactly; Time::max() if nothing will ever be due. O(1), but O(timers in
  // the first bucket) once the earliest timer has gone, unless they are in order.
  Time NextDeadline();

  bool empty() const { return words_ == 0; }

 private:
  // Eight bits: a timer moves less often than with fewer, and its bucket takes only a few
  // instructions to find. One bit would be the textbook queue. The sentinels of all buckets
  // take 64 KiB.
  static constexpr int kDigitBits = 8;
  static constexpr std::size_t kRadix = std::size_t{1} << kDigitBits;
  static constexpr std::size_t kLevels =
      (63 + kDigitBits - 1) / kDigitBits;  // deadlines are not negative

  static constexpr std::size_t kRun = kLevels * kRadix;  // above all levels

  // Sets of buckets, 64 to a word.
  static constexpr std::size_t kWords = kRun / 64 + 1;
  static constexpr std::size_t WordOf(std::size_t index) { return index / 64; }
  static constexpr std::uint64_t BitOf(std::size_t index) { return std::uint64_t{1} << index % 64; }

  std::size_t BucketOf(Time deadline) const;
  std::size_t FirstBucket() const;
  Time StartOf(std::size_t index) const;
  bool Sorted(std::size_t index) const;
  void Append(TimerLink& timer);
  void Remove(TimerLink& timer);
  void MarkOccupied(std::size_t index);
  void MarkEmpty(std::size_t index);
  void Reach(std::size_t index);

  Time last_{};              // the instant reached; no pending deadline is before it
  Time next_ = Time::max();  // the earliest deadline, while next_known_
  bool next_known_ = true;
  std::uint64_t words_ = 0;                       // bit w: word w of occupied_ is not 0
  std::array<std::uint64_t, kWords> occupied_{};  // the buckets that are not empty
  std::array<std::uint64_t, kWords> unsorted_{};  // those in which a timer came after a later one
  std::array<TimerLink, kRun + 1> buckets_{};     // sentinels of circular lists
};

// Everything done per timer is inline. With a million timers, each neighbour of a timer in its
// bucket is a cache miss, and the number of such misses that overlap is limited by the stores that
// the processor queues behind them. Two calls would add a few stores, and with them stopping and
// arming a timer at random takes half as long again.

inline void TimerQueue::Arm(TimerLink& timer, Time deadline) {
  assert(!timer.pending() && deadline >= last_);
  timer.deadline = deadline;
  Append(timer);
  next_ = std::min(next_, deadline);
}

inline void TimerQueue::Stop(TimerLink& timer) {
  Remove(timer);
  // Another timer may share the deadline; the next caller that asks will look.
  if (timer.deadline == next_) next_known_ = false;
}

inline std::size_t TimerQueue::BucketOf(Time deadline) const {
  const auto key = static_cast<std::uint64_t>(deadline.time_since_epoch().count());
  const std::uint64_t differing =
      key ^ static_cast<std::uint64_t>(last_.time_since_epoch().count());
  const int level = (static_cast<int>(std::bit_width(differing | 1)) - 1) / kDigitBits;
  return static_cast<std::size_t>(level) * kRadix + (key >> (level * kDigitBits) & (kRadix - 1));
}

inline void TimerQueue::Append(TimerLink& timer) {
  const std::size_t index = BucketOf(timer.deadline);
  TimerLink& bucket = buckets_[index];
  TimerLink& last = *bucket.prev;
  if (&last == &bucket) {
    MarkOccupied(index);
  } else if (last.deadline > timer.deadline) {
    unsorted_[WordOf(index)] |= BitOf(index);
  }
  timer.next = &bucket;
  timer.prev = &last;
  last.next = &timer;
  bucket.prev = &timer;
}

inline void TimerQueue::Remove(TimerLink& timer) {
  TimerLink* const prev = timer.prev;
  TimerLink* const next = timer.next;
  prev->next = next;
  next->prev = prev;
  timer.prev = timer.next = nullptr;
  // If only the sentinel is left, its place tells which bucket this was.
  if (prev == next) MarkEmpty(static_cast<std::size_t>(prev - buckets_.data()));
}

inline void TimerQueue::MarkOccupied(std::size_t index) {
  occupied_[WordOf(index)] |= BitOf(index);
  words_ |= BitOf(WordOf(index));
}

inline void TimerQueue::MarkEmpty(std::size_t index) {
  unsorted_[WordOf(index)] &= ~BitOf(index);
  occupied_[WordOf(index)] &= ~BitOf(index);
  if (occupied_[WordOf(index)] == 0) words_ &= ~BitOf(WordOf(index));
}

}  // namespace afterleak
