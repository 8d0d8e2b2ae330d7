// sync::WaitGroup; for users, see sync.h.
#pragma once

#include <cstdint>
#include <mutex>
#include <source_location>

#include "afterleak/go/wait_queue.h"

namespace afterleak::sync {

// Waits for a number of goroutines to finish.
//
//   sync::WaitGroup group;
//   group.Add(1);
//   Go([&] {
//     Defer done([&] { group.Done(); });
//     ...
//   });
//   group.Wait();
class WaitGroup {
 public:
  constexpr WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;

  // Adds to the counter, which may be less than nothing. At zero all that wait are woken. Panics if
  // the counter gets below zero, and leaves it there: "sync: negative WaitGroup counter".
  void Add(int delta, std::source_location site = std::source_location::current());

  // Takes one off the counter.
  void Done() { Add(-1); }

  // Blocks until the counter is zero ("sync.WaitGroup.Wait" in a report). Panics if the counter has
  // been raised again before this goroutine goes on: "sync: WaitGroup is reused before previous
  // Wait has returned".
  void Wait(std::source_location site = std::source_location::current());

 private:
  std::mutex guard_;
  internal::WaitQueue waiters_;
  std::int64_t counter_ = 0;
  internal::User raiser_;  // who raised the counter from zero
};

}  // namespace afterleak::sync
