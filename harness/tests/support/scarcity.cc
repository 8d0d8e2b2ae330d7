#include "tests/support/scarcity.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>

namespace afterleak::scarcity {
namespace {

constinit std::atomic<std::int64_t> live_blocks{0};

// How many more requests are granted; far from 0 while nothing is scarce.
constexpr int kPlenty = std::numeric_limits<int>::max() / 2;
constinit std::atomic<int> memory_left{kPlenty};
constinit std::atomic<bool> memory_ends{false};
constinit std::atomic<int> threads_left{kPlenty};
constinit std::atomic<bool> threads_refused{false};

bool MemoryIsRefused() {
  if (memory_left.load(std::memory_order_relaxed) > kPlenty / 2) return false;
  const int left = memory_left.fetch_sub(1);
  return left == 0 || (left < 0 && memory_ends);
}

}  // namespace

std::int64_t LiveBlocks() { return live_blocks; }

ScarceMemory::ScarceMemory(int nth, From from) {
  memory_ends = from == From::kForGood;
  memory_left = nth - 1;
}
ScarceMemory::~ScarceMemory() { memory_left = kPlenty; }
bool ScarceMemory::Refused() const { return memory_left < 0; }

ScarceThreads::ScarceThreads(int granted) {
  threads_refused = false;
  threads_left = granted;
}
ScarceThreads::~ScarceThreads() { threads_left = kPlenty; }
void ScarceThreads::Grant(int more) { threads_left = more; }
bool ScarceThreads::Refused() const { return threads_refused; }

namespace {

void* Allocate(std::size_t bytes) {
  void* block = MemoryIsRefused() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  ++live_blocks;
  return block;
}

void Free(void* block) {
  if (block != nullptr) --live_blocks;
  std::free(block);
}

}  // namespace
}  // namespace afterleak::scarcity

using namespace afterleak::scarcity;

void* operator new(std::size_t bytes) { return Allocate(bytes); }
void* operator new[](std::size_t bytes) { return Allocate(bytes); }
void operator delete(void* block) noexcept { Free(block); }
void operator delete[](void* block) noexcept { Free(block); }
void operator delete(void* block, std::size_t) noexcept { Free(block); }
void operator delete[](void* block, std::size_t) noexcept { Free(block); }

// The linker substitutes it for mmap (--wrap), but only in this program's calls: sanitizers need
// theirs before main.
extern "C" void* __real_mmap(void* at, std::size_t bytes, int protection, int flags, int file,
                             off_t offset);
extern "C" void* __wrap_mmap(void* at, std::size_t bytes, int protection, int flags, int file,
                             off_t offset) {
  if (MemoryIsRefused()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(at, bytes, protection, flags, file, offset);
}

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  static auto* const next =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_left.load(std::memory_order_relaxed) < kPlenty && threads_left.fetch_sub(1) <= 0) {
    threads_refused = true;
    return EAGAIN;
  }
  return next(thread, attributes, body, argument);
}
