// Keepsake: something of the user's that a bubble keeps, such as a callback.
//
// It may hold handles that lead back to what keeps it, and counted handles never free such a cycle.
// So a bubble knows all of its keepsakes, and empties those that are left when it ends.
#pragma once

#include <atomic>
#include <cstdint>

#include "afterleak/version.h"

namespace afterleak::internal {

class Runtime;

// Reference-counted. Made and destroyed without the runtime's lock, which guards the list.
class Keepsake {
 public:
  explicit Keepsake(Runtime& runtime);
  Keepsake(const Keepsake&) = delete;
  Keepsake& operator=(const Keepsake&) = delete;

  void AddHandle() { handles_.fetch_add(1, std::memory_order_relaxed); }
  void DropHandle() {
    if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  virtual ~Keepsake();

  // Destroys what the user gave. Called without the lock, at the end of the bubble.
  virtual void Empty() = 0;

  Runtime& runtime_;

 private:
  friend class Runtime;

  bool TryAddHandle();  // false if the last handle has gone, so that it is being destroyed
  void Leave();

  Keepsake* next_ = nullptr;
  Keepsake** place_ = nullptr;  // what points to it in the list; null when it is not in it
  std::atomic<std::uint32_t> handles_{0};
};

}  // namespace afterleak::internal
