// Counts the allocations of the containers it is given to. Use it where operator new is not
// counted (heap_operators.cc is not linked, or under Valgrind), or to see one container apart
// from the rest.
//
//   heap::CountingResource resource;
//   std::pmr::map<Deadline, Timer*> queue(&resource);
//   ...
//   EXPECT_LE(resource.usage().live_blocks, 2);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "afterleak/heap/heap.h"

namespace afterleak::heap {

// Thread-safe if `upstream` is. Each allocation costs a few atomic increments on top of upstream's
// cost. All its numbers are exact. What upstream throws is passed on, and nothing is counted.
//
// The default upstream is new_delete_resource(), not get_default_resource(), which may be this very
// resource once it has been made the default. With the default, the blocks also count in Process()
// and in the open scopes.
class CountingResource : public std::pmr::memory_resource {
 public:
  explicit CountingResource(
      std::pmr::memory_resource* upstream = std::pmr::new_delete_resource()) noexcept
      : upstream_(upstream) {}
  CountingResource(const CountingResource&) = delete;
  CountingResource& operator=(const CountingResource&) = delete;

  Usage usage() const noexcept { return tally_.usage(); }
  std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = upstream_->allocate(bytes, alignment);
    tally_.Add(static_cast<int64_t>(bytes));
    return block;
  }

  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    tally_.Remove(static_cast<int64_t>(bytes));
    upstream_->deallocate(block, bytes, alignment);
  }

  // No two of them are ever equal: giving a block back to the other would make both counts wrong.
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* const upstream_;
  internal::Tally tally_;
};

}  // namespace afterleak::heap
