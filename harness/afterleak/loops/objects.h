// The timer objects of a library, by their key: a hash table outside the heap, which keeps its
// largest size. Not thread-safe: timers.cc locks it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "afterleak/census/census.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {

// 28 bytes: with its record in the census and its bucket here, a timer takes at most 64.
struct [[gnu::packed, gnu::aligned(4)]] Object {
  Key key;  // 0: free
  void* data;
  Census::Ticket ticket;
  std::uint32_t next;       // in its bucket, or the next free one
  std::uint32_t born : 24;  // Ledger::BornAt: where it was armed or made first; its site while idle
  std::uint32_t timer : 7;  // Ledger::TimerOf
  std::uint32_t live : 1;
};
static_assert(sizeof(Object) == 28);

// A hash table that grows by one bucket at a time (Litwin's linear hashing), so that no larger copy
// of it is ever made: what was taken from a record is never given back. Objects never move.
class Objects {
 public:
  Object* Find(Key key) {
    if (buckets_.size() == 0) return nullptr;
    for (std::uint32_t i = buckets_[BucketOf(key)]; i != 0; i = objects_[i].next) {
      if (objects_[i].key == key) return &objects_[i];
    }
    return nullptr;
  }

  // The next Add will find memory. Throws std::bad_alloc.
  void Reserve() {
    while (buckets_.size() < kFirst) buckets_.Grow();
    if (used_ >= kObjectsOfBucket * buckets_.size()) Split();
    if (free_ != 0) return;
    if (objects_.size() == 0) objects_.Grow();  // 0 is none
    free_ = static_cast<std::uint32_t>(objects_.Grow());
  }

  // `key` must not be there. Nothing but the key of the object is set. Throws std::bad_alloc.
  Object& Add(Key key) {
    Reserve();
    ++used_;
    const std::uint32_t index = free_;
    Object& object = objects_[index];
    free_ = object.next;
    object.key = key;
    PutInto(buckets_[BucketOf(key)], index);
    return object;
  }

  void Remove(Object& removed) {
    std::uint32_t& bucket = buckets_[BucketOf(removed.key)];
    Object* before = nullptr;
    std::uint32_t index = bucket;
    while (&objects_[index] != &removed) {
      before = &objects_[index];
      index = before->next;
    }
    if (before == nullptr) {
      bucket = removed.next;
    } else {
      before->next = removed.next;
    }
    removed = Object{};
    removed.next = std::exchange(free_, index);
    --used_;
  }

  // All places, for walks: free ones have no key.
  std::size_t places() const { return objects_.size(); }
  Object& At(std::size_t place) { return objects_[place]; }

 private:
  static constexpr std::size_t kFirst = 1024;
  static constexpr std::size_t kObjectsOfBucket = 2;

  // As many bits of the hash as the buckets need; where that bucket is not there yet, one less.
  std::size_t BucketOf(Key key) const {
    const auto hash = static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 20);
    const std::size_t most = std::bit_ceil(buckets_.size());
    const std::size_t bucket = hash & (most - 1);
    return bucket < buckets_.size() ? bucket : bucket - most / 2;
  }

  void PutInto(std::uint32_t& bucket, std::uint32_t index) {
    objects_[index].next = std::exchange(bucket, index);
  }

  // Adds a bucket, whose objects were in another one until now.
  void Split() {
    const std::size_t added = buckets_.Grow();
    std::uint32_t index = std::exchange(buckets_[added - std::bit_floor(added)], 0);
    while (index != 0) {
      const std::uint32_t next = objects_[index].next;
      PutInto(buckets_[BucketOf(objects_[index].key)], index);
      index = next;
    }
  }

  afterleak::internal::MappedArray<std::uint32_t> buckets_;  // the first object of each; 0: none
  afterleak::internal::MappedArray<Object> objects_;         // index 0 is unused
  std::uint32_t free_ = 0;
  std::size_t used_ = 0;
};

}  // namespace afterleak::loops::internal
