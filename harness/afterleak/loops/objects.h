// The timer objects of a library, by their key: a hash table outside the heap, which keeps its
// largest size. Not thread-safe: timers.cc locks it.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
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
  Object* Find(Key key) {
    if (slots_ == nullptr) return nullptr;
    for (std::size_t i = Home(key);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.key == key) return &object;
      if (object.key == 0) return nullptr;
    }
  }

  // `key` must not be there. Throws std::bad_alloc.
  Object& Add(Key key) {
    if (2 * (used_ + 1) > capacity_) Enlarge();
    ++used_;
    Object& object = FreeFor(key);
    object.key = key;
    return object;
  }

  // All places, for walks: free ones have no key and no timer.
  std::size_t capacity() const { return capacity_; }
  Object& At(std::size_t i) { return (*slots_)[i]; }

  void Remove(Object& removed) {
    --used_;
    auto hole = static_cast<std::size_t>(&removed - &(*slots_)[0]);
    for (std::size_t i = Behind(hole);; i = Behind(i)) {
      Object& object = (*slots_)[i];
      if (object.key == 0) break;
      // It may move into the hole unless its home lies behind that.
      const std::size_t from_home = (i - Home(object.key)) & (capacity_ - 1);
      const std::size_t from_hole = (i - hole) & (capacity_ - 1);
      if (from_home < from_hole) continue;
      (*slots_)[hole] = object;
      hole = i;
    }
    (*slots_)[hole] = Object{};
  }

 private:
  class Slots {  // outside the heap, as in MappedArray, but in one piece
   public:
    explicit Slots(std::size_t count) : bytes_(count * sizeof(Object)) {
      void* const memory =
          mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      first_ = static_cast<Object*>(memory);
    }
    ~Slots() { munmap(first_, bytes_); }
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    Object& operator[](std::size_t i) const { return first_[i]; }

   private:
    std::size_t bytes_;
    Object* first_;
  };

  static constexpr std::size_t kFirst = 1024;

  std::size_t Home(Key key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 20) & (capacity_ - 1);
  }
  std::size_t Behind(std::size_t i) const { return (i + 1) & (capacity_ - 1); }

  Object& FreeFor(Key key) {
    std::size_t i = Home(key);
    while ((*slots_)[i].key != 0) i = Behind(i);
    return (*slots_)[i];
  }

  void Enlarge() {
    const std::size_t old_capacity = capacity_;
    auto larger = std::make_unique<Slots>(old_capacity == 0 ? kFirst : 2 * old_capacity);
    std::unique_ptr<Slots> old = std::exchange(slots_, std::move(larger));
    capacity_ = old_capacity == 0 ? kFirst : 2 * old_capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if ((*old)[i].key != 0) FreeFor((*old)[i].key) = (*old)[i];
    }
  }

  std::unique_ptr<Slots> slots_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t used_ = 0;
};

}  // namespace afterleak::loops::internal
