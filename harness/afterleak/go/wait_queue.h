// WaitQueue: the goroutines that wait for something of package sync; User: from where it is in use.
//
// What a primitive keeps is guarded by a lock of the primitive, its guard: it is used in whatever
// bubble its users are in, so no bubble's mutex can guard it. A guard comes before the mutex of any
// bubble, is never held while a goroutine is blocked, and is taken again by the one that wakes. So
// the one that woke it has left the primitive by the time it can be destroyed.
#pragma once

#include <mutex>
#include <source_location>

#include "afterleak/version.h"

namespace afterleak::internal {

class Runtime;

using Guard = std::unique_lock<std::mutex>;

// Blocks goroutines durably and wakes them, first come, first served. Allocates nothing. Every
// method expects the guard of the primitive to be held.
class WaitQueue {
 public:
  enum class Place { kLast, kFirst };

  bool empty() const { return first_ == nullptr; }

  // Blocks the calling goroutine until it is woken; releases the guard meanwhile. `waits_for` is
  // a literal, in the words of a Go traceback. Throws what Runtime::Self and Runtime::Block do, and
  // then holds the guard too.
  void Wait(Guard& guard, const char* waits_for, std::source_location site,
            Place place = Place::kLast);

  // Wakes the first one, which goes on even if its bubble is ending. False if there is none.
  bool WakeFirst();

  // The same for all; returns how many there were.
  int WakeAll();

 private:
  struct Waiter;

  void Insert(Waiter& waiter, Place place);
  void Remove(Waiter& waiter);

  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// From where something is in use: a bubble and a line.
class User {
 public:
  constexpr User() = default;  // nobody
  // The calling goroutine or thread.
  explicit User(std::source_location site);

  // Panics, naming both lines, if the calling goroutine must not wait for this user: it is in
  // another bubble, and one of the two is virtual. The time of a virtual bubble does not wait for
  // what is outside, and stands still while nobody drives it.
  void RefuseToWait(const char* waits_for, std::source_location site) const;

  bool is_virtual() const { return is_virtual_; }

 private:
  const Runtime* runtime_ = nullptr;  // to be compared only; null for a thread outside of bubbles
  bool is_virtual_ = false;
  std::source_location site_;
};

}  // namespace afterleak::internal
