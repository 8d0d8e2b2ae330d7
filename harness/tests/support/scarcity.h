// Memory and threads that run out when a test says so. Replaces operator new and delete, mmap and
// pthread_create in the program that links it.
#pragma once

#include <cstdint>

namespace afterleak::scarcity {

// Blocks of operator new that are not yet freed.
std::int64_t LiveBlocks();

enum class From : std::uint8_t {
  kOnce,     // one request fails
  kForGood,  // and all later ones
};

// While it lives, in all threads: the n-th request for memory (from 1) is refused.
class ScarceMemory {
 public:
  ScarceMemory(int nth, From from);
  ~ScarceMemory();
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;

  // True if there were that many requests.
  bool Refused() const;
};

// While it lives, this many threads can be started, and then none (EAGAIN).
class ScarceThreads {
 public:
  explicit ScarceThreads(int granted);
  ~ScarceThreads();
  ScarceThreads(const ScarceThreads&) = delete;
  ScarceThreads& operator=(const ScarceThreads&) = delete;

  void Grant(int more);
  bool Refused() const;
};

}  // namespace afterleak::scarcity
