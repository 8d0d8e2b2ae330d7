// sync::Once, OnceFunc and OnceValue; for users, see sync.h.
#pragma once

#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "afterleak/go/defer.h"
#include "afterleak/go/mutex.h"

namespace afterleak::sync {

// Does one thing once.
class Once {
 public:
  constexpr Once() = default;
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  // Calls `action` if nobody has called Do before, and returns when the one call of an action has
  // ended ("sync.Mutex.Lock" in a report while it waits for that). An action that throws counts as
  // done. One that calls Do of the same Once waits for itself.
  template <std::invocable Action>
  void Do(Action&& action, std::source_location site = std::source_location::current()) {
    if (done_.load(std::memory_order_acquire)) return;
    mutex_.Lock(site);
    const std::lock_guard lock(mutex_, std::adopt_lock);
    if (done_.load(std::memory_order_relaxed)) return;
    const Defer done([this] { done_.store(true, std::memory_order_release); });
    std::forward<Action>(action)();
  }

 private:
  std::atomic<bool> done_ = false;
  Mutex mutex_;
};

// A function that calls `action` the first time it is called. If that threw, every call throws the
// same. Copies are the same function.
std::function<void()> OnceFunc(std::function<void()> action);

// A function that returns what `make` returned the first time.
template <std::invocable Make>
auto OnceValue(Make make) {
  const auto value = std::make_shared<std::optional<std::invoke_result_t<Make&>>>();
  return [value, once = OnceFunc([value, make = std::move(make)]() mutable {
                   value->emplace(make());
                 })]() -> const std::invoke_result_t<Make&>& {
    once();
    return **value;
  };
}

}  // namespace afterleak::sync
