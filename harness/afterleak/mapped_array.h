// MappedArray: a growing array that lives outside of the heap.
//
// Layer 2. The census counts what is on the heap and must not show there itself: its records come
// straight from the kernel (mmap), where neither the counting allocator nor Valgrind, heaptrack or
// a heap profile sees them. Elements never move.
#pragma once

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstddef>
#include <new>
#include <type_traits>

namespace afterleak::internal {

// Elements start zeroed. Chunk k holds 2^k times as many elements as the first, so an index finds
// its chunk by one bit scan. Not thread-safe. Throws std::bad_alloc when the kernel has no memory.
template <typename T>
class MappedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  MappedArray() = default;
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() {
    for (std::size_t k = 0; k < chunks_.size(); ++k) {
      if (chunks_[k] != nullptr) munmap(chunks_[k], (kFirst << k) * sizeof(T));
    }
  }

  std::size_t size() const { return size_; }

  T& operator[](std::size_t index) const {
    const std::size_t biased = index + kFirst;
    const std::size_t k = ChunkOf(biased);
    return chunks_[k][biased - (kFirst << k)];
  }

  // Adds one element and returns its index.
  std::size_t Grow() {
    const std::size_t biased = size_ + kFirst;
    if ((biased & (biased - 1)) == 0) [[unlikely]]  // the first element of a chunk
      AddChunk(ChunkOf(biased));
    return size_++;
  }

 private:
  static constexpr std::size_t kFirst = std::bit_ceil(4096 / sizeof(T));
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;

  // `biased` is above 0, which the compiler sees by the 1.
  static std::size_t ChunkOf(std::size_t biased) {
    return static_cast<std::size_t>(std::bit_width(biased | 1) - std::bit_width(kFirst));
  }

  void AddChunk(std::size_t k) {
    const std::size_t bytes = (kFirst << k) * sizeof(T);
    void* chunk = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) throw std::bad_alloc();
    // One page fault instead of 512. Where the kernel has none to give, small pages do.
    if (bytes >= 2 * kHugePage) madvise(chunk, bytes, MADV_HUGEPAGE);
    chunks_[k] = static_cast<T*>(chunk);
  }

  std::size_t size_ = 0;
  std::array<T*, 40> chunks_{};
};

}  // namespace afterleak::internal
