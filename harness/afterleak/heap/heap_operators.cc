// Replaces every operator new and delete of the program that links this file, so that
// afterleak::heap counts. The blocks are malloc's, with eight bytes of ours at the very end:
//
//   p (from malloc, and what the user gets)                            p + malloc_usable_size(p)
//   |  the bytes asked for                   | rounding | scope  slack |
//                                            |<------ slack ---------->|
//
// There is no header, because a tool that finds only an interior pointer calls the block "possibly
// lost". And glibc's blocks hold 16k + 8 bytes, so for half of all sizes the trailer costs nothing,
// and for the others 16 bytes. In time, new and delete in a tight loop take 1.4 to 2 times as long
// as malloc and free; most of the difference is the two calls of malloc_usable_size().
//
// Limits:
// - Code that calls malloc_usable_size() on a new'ed pointer and fills the slack overwrites the
//   trailer. So does a buffer overrun; delete then aborts, if it can tell.
// - delete must only see blocks of this operator new, not those of a plug-in with a different one.
// - gperftools 2.10's libtcmalloc_debug reports too much room for aligned blocks, which are then
//   overrun. The other libtcmallocs, their heap checker, and heaptrack are fine.
// - AddressSanitizer sees malloc and free, and cannot tell when new is paired with free.
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "afterleak/heap/heap.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(place, size) (static_cast<void>(0))
#define ASAN_UNPOISON_MEMORY_REGION(place, size) (static_cast<void>(0))
#endif

namespace {

using afterleak::heap::internal::Die;
using afterleak::heap::internal::OnDelete;
using afterleak::heap::internal::OnNew;
using std::size_t;

struct Trailer {
  uint32_t scope;
  uint32_t slack;  // usable - requested, so at least sizeof(Trailer)
};

constexpr auto kAnyAlignment = std::align_val_t{__STDCPP_DEFAULT_NEW_ALIGNMENT__};

// How much room a block has, or 0 if malloc cannot tell yet. On its first call, gperftools'
// malloc_usable_size() calls operator new, and knows nothing until gperftools has called it once
// more. Those two blocks get no trailer and are not counted; gperftools never frees them.
constinit std::atomic<bool> usable_size_ready;

[[gnu::noinline]] size_t FirstUsableSize(void* block) noexcept {
  constinit static thread_local bool asking = false;
  if (asking) return 0;
  asking = true;
  const size_t usable = malloc_usable_size(block);
  asking = false;
  if (usable != 0) usable_size_ready.store(true, std::memory_order_relaxed);
  return usable;
}

inline size_t UsableSize(void* block) noexcept {
  return usable_size_ready.load(std::memory_order_relaxed) ? malloc_usable_size(block)
                                                           : FirstUsableSize(block);
}

[[gnu::noinline]] void* MallocAligned(size_t size, std::align_val_t alignment) noexcept {
  void* block = nullptr;
  return posix_memalign(&block, static_cast<size_t>(alignment), size) == 0 ? block : nullptr;
}

inline void* Allocate(size_t size, std::align_val_t alignment) noexcept {
  const size_t room = size + sizeof(Trailer);
  if (room < size) [[unlikely]]
    return nullptr;
  void* block = alignment <= kAnyAlignment ? std::malloc(room) : MallocAligned(room, alignment);
  if (block == nullptr) [[unlikely]]
    return nullptr;

  // The trailer may lie beyond `room`. The compiler must forget how much was requested, or
  // _FORTIFY_SOURCE=3 takes the memcpy for an overrun.
  asm("" : "+r"(block));
  const size_t usable = UsableSize(block);
  if (usable == 0) [[unlikely]]
    return block;
  if (usable - size > std::numeric_limits<uint32_t>::max()) [[unlikely]] {
    Die("malloc_usable_size() is more than 4 GiB above what was asked for, or below it");
  }
  const Trailer trailer = {OnNew(static_cast<int64_t>(size)), static_cast<uint32_t>(usable - size)};
  char* const end = static_cast<char*>(block) + usable;
  std::memcpy(end - sizeof trailer, &trailer, sizeof trailer);
  ASAN_POISON_MEMORY_REGION(end - trailer.slack, trailer.slack);  // makes overruns visible
  return block;
}

void Free(void* block) noexcept {
  if (block == nullptr) return;
  const size_t usable = malloc_usable_size(block);
  Trailer trailer;
  char* const place = static_cast<char*>(block) + usable - sizeof trailer;
  ASAN_UNPOISON_MEMORY_REGION(place, sizeof trailer);
  std::memcpy(&trailer, place, sizeof trailer);
  if (trailer.slack < sizeof trailer || trailer.slack > usable) [[unlikely]] {
    Die("deleted a block that was overrun, or is not from operator new");
  }
  OnDelete(static_cast<int64_t>(usable - trailer.slack), trailer.scope);
  std::free(block);
}

[[gnu::noinline]] void* AskNewHandler(size_t size, std::align_val_t alignment) {
  for (;;) {
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
    if (void* block = Allocate(size, alignment)) return block;
  }
}

inline void* New(size_t size, std::align_val_t alignment = kAnyAlignment) {
  void* block = Allocate(size, alignment);
  return block != nullptr ? block : AskNewHandler(size, alignment);
}

void* NewOrNull(size_t size, std::align_val_t alignment = kAnyAlignment) noexcept {
  try {
    return New(size, alignment);
  } catch (...) {  // from the handler too
    return nullptr;
  }
}

}  // namespace

// Programs that link this file ask the linker for this symbol (CMakeLists.txt,
// afterleak_heap_operators.pc), so that the file is linked though nothing else refers to it.
extern "C" const char afterleak_heap_operators;
extern "C" const char afterleak_heap_operators = 0;

using std::align_val_t;
using std::nothrow_t;

void* operator new(size_t n) { return New(n); }
void* operator new[](size_t n) { return New(n); }
void* operator new(size_t n, align_val_t a) { return New(n, a); }
void* operator new[](size_t n, align_val_t a) { return New(n, a); }
void* operator new(size_t n, const nothrow_t&) noexcept { return NewOrNull(n); }
void* operator new[](size_t n, const nothrow_t&) noexcept { return NewOrNull(n); }
void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept { return NewOrNull(n, a); }
void* operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept { return NewOrNull(n, a); }

void operator delete(void* p) noexcept { Free(p); }
void operator delete[](void* p) noexcept { Free(p); }
void operator delete(void* p, size_t) noexcept { Free(p); }
void operator delete[](void* p, size_t) noexcept { Free(p); }
void operator delete(void* p, align_val_t) noexcept { Free(p); }
void operator delete[](void* p, align_val_t) noexcept { Free(p); }
void operator delete(void* p, size_t, align_val_t) noexcept { Free(p); }
void operator delete[](void* p, size_t, align_val_t) noexcept { Free(p); }
void operator delete(void* p, const nothrow_t&) noexcept { Free(p); }
void operator delete[](void* p, const nothrow_t&) noexcept { Free(p); }
void operator delete(void* p, align_val_t, const nothrow_t&) noexcept { Free(p); }
void operator delete[](void* p, align_val_t, const nothrow_t&) noexcept { Free(p); }
