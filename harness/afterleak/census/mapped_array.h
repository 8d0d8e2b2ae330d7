// MappedArray: a growing array outside the heap.
//
// The census counts what is on the heap and must not show up there itself. Its records are in pages
// (keeper.h), where neither the counting allocator nor Valgrind, heaptrack or a heap profile sees
// them. Elements never move.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "afterleak/census/keeper.h"
#include "afterleak/version.h"

namespace afterleak::internal {

// Elements start zeroed. Chunk k holds 2^k times as many elements as the first one, so an
// index finds its chunk with one bit scan. Not thread-safe. Throws std::bad_alloc when there
// is no memory.
template <typename T>
class MappedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  MappedArray() = default;
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() {
    for (std::size_t first = kFirst; ChunkOf(first) != 0; first *= 2) {
      GiveBackPages(At(first), first * sizeof(T));
    }
  }

  std::size_t size() const { return size_; }

  T& operator[](std::size_t index) const { return *At(index + kFirst); }

  // Adds one element and returns its index.
  std::size_t Grow() {
    const std::size_t biased = size_ + kFirst;
    if ((biased & (biased - 1)) == 0) [[unlikely]]  // the first element of a chunk
      AddChunk(biased);
    return size_++;
  }

 private:
  // An index plus kFirst is a biased index. Its highest bit is the biased index of its chunk's
  // first element, and also the number of elements in that chunk.
  static constexpr std::size_t kFirst = std::bit_ceil(4096 / sizeof(T));

  // By the highest bit: the address where a chunk would begin if it held all elements from
  // biased index 0.
  std::uintptr_t ChunkOf(std::size_t biased) const {
    // 63 less that is the same, but not to g++, which has an instruction for this.
    return chunks_[static_cast<std::size_t>(63 ^ std::countl_zero(std::uint64_t{biased | 1}))];
  }
  T* At(std::size_t biased) const {
    return reinterpret_cast<T*>(ChunkOf(biased) + biased * sizeof(T));
  }

  void AddChunk(std::size_t first) {
    const std::size_t bytes = first * sizeof(T);
    void* const chunk = TakePages(bytes);
    chunks_[static_cast<std::size_t>(std::countr_zero(first))] =
        reinterpret_cast<std::uintptr_t>(chunk) - bytes;
  }

  std::size_t size_ = 0;
  std::array<std::uintptr_t, 64> chunks_{};
};

}  // namespace afterleak::internal
