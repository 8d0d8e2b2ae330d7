// The timer objects of a library, by their key: a hash table outside the heap, which keeps its
// largest size. Not thread-safe: timers.cc locks it.
#pragma once

#include <cstddef>
#include <utility>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
#include "afterleak/census/keeper.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {

struct Object {
  Key key;  // 0: free
  const LoopTimer* timer;
  const afterleak::internal::CallStack*
      born;  // where it was armed or made first: its site while idle
  void* data;
  Census::Ticket ticket;
  bool live;
};

// A hash table with open addressing: what is displaced stands behind its place without a gap.
class Objects {
 public:
  Objects() = default;
  ~Objects() { GiveBack(slots_, capacity_); }
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  Object* Find(Key key) {
    if (slots_ == nullptr) return nullptr;
    for (std::size_t i = Home(key);; i = Behind(i)) {
      Object& object = slots_[i];
      if (object.key == key) return &object;
      if (object.key == 0) return nullptr;
    }
  }

  // The next Add will find memory. Throws std::bad_alloc.
  void Reserve() {
    if (2 * (used_ + 1) > capacity_) Enlarge();
  }

  // `key` must not be there. Throws std::bad_alloc.
  Object& Add(Key key) {
    Reserve();
    ++used_;
    Object& object = FreeFor(key);
    object.key = key;
    return object;
  }

  // All places, for walks: free ones have no key and no timer.
  std::size_t capacity() const { return capacity_; }
  Object& At(std::size_t i) { return slots_[i]; }

  void Remove(Object& removed) {
    --used_;
    auto hole = static_cast<std::size_t>(&removed - &slots_[0]);
    for (std::size_t i = Behind(hole);; i = Behind(i)) {
      Object& object = slots_[i];
      if (object.key == 0) break;
      // It may move into the hole unless its home lies behind that.
      const std::size_t from_home = (i - Home(object.key)) & (capacity_ - 1);
      const std::size_t from_hole = (i - hole) & (capacity_ - 1);
      if (from_home < from_hole) continue;
      slots_[hole] = object;
      hole = i;
    }
    slots_[hole] = Object{};
  }

 private:
  static constexpr std::size_t kFirst = 1024;

  std::size_t Home(Key key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 20) & (capacity_ - 1);
  }
  std::size_t Behind(std::size_t i) const { return (i + 1) & (capacity_ - 1); }

  Object& FreeFor(Key key) {
    std::size_t i = Home(key);
    while (slots_[i].key != 0) i = Behind(i);
    return slots_[i];
  }

  void Enlarge() {
    Object* const old = slots_;
    const std::size_t old_capacity = capacity_;
    const std::size_t capacity = old_capacity == 0 ? kFirst : 2 * old_capacity;
    slots_ = static_cast<Object*>(afterleak::internal::TakePages(capacity * sizeof(Object)));
    capacity_ = capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].key != 0) FreeFor(old[i].key) = old[i];
    }
    GiveBack(old, old_capacity);
  }

  static void GiveBack(Object* slots, std::size_t capacity) {
    if (slots != nullptr) afterleak::internal::GiveBackPages(slots, capacity * sizeof(Object));
  }

  Object* slots_ = nullptr;   // pages of the keeper, in one piece
  std::size_t capacity_ = 0;  // a power of two
  std::size_t used_ = 0;
};

}  // namespace afterleak::loops::internal
