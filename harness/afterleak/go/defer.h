// Defer: Go's defer statement, for a scope.
#pragma once

#include <utility>

#include "afterleak/version.h"

namespace afterleak {

// Calls `action` when the scope is left, on every path: `Defer stop(cancel);`
template <typename Action>
class [[nodiscard]] Defer {
 public:
  explicit Defer(Action action) : action_(std::move(action)) {}
  Defer(const Defer&) = delete;
  Defer& operator=(const Defer&) = delete;
  ~Defer() { action_(); }

 private:
  Action action_;
};

}  // namespace afterleak
