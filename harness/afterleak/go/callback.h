// Callback: a function that is to run later in a goroutine.
//
// Behind the AfterFunc of time.h and of context.h.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <source_location>
#include <utility>

#include "afterleak/bubble/keepsake.h"
#include "afterleak/go/chan_core.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {

class Callback : public Keepsake {
 public:
  // Starts a goroutine that runs it. What that allocates is charged to the heap scope of the code
  // that made the callback, whichever goroutine drives the clock. With the lock held, like
  // Runtime::Go, and throws what that throws.
  void Start();

  std::uint32_t bytes() const { return bytes_; }  // of its heap block

 protected:
  Callback(std::uint32_t bytes, const std::source_location& site)
      : Keepsake(CurrentRuntime()), site_(site), heap_scope_(heap::CurrentScope()), bytes_(bytes) {}

 private:
  virtual void Call() = 0;

  const std::source_location site_;
  const heap::ScopeRef heap_scope_;
  const std::uint32_t bytes_;
};

template <typename Function>
class CallbackOf final : public Callback {
 public:
  CallbackOf(Function function, const std::source_location& site)
      : Callback(sizeof(CallbackOf), site), function_(std::move(function)) {}

 private:
  void Call() override { (*function_)(); }
  void Empty() override { function_.reset(); }

  std::optional<Function> function_;
};

// `site` is where its goroutines are started, in the eyes of a reader.
template <std::invocable Function>
Ref<Callback> MakeCallback(Function function, const std::source_location& site) {
  return Ref<Callback>(new CallbackOf<Function>(std::move(function), site));
}

}  // namespace afterleak::internal
