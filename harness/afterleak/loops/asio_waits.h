// What the handler tracking of Asio and of Boost.Asio calls. It is compiled into the program, and
// names nothing of either.
#pragma once

// clang-format off: before <coroutine>, since it says what an older standard lacks
#include "afterleak/version.h"
// clang-format on

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace afterleak::loops::asio_tracking {

enum class Clock : std::uint8_t { kSteady, kSystem, kPosixTime, kOther };

// A wait by its number; 0 is none. These are in asio.cc.
using Wait = std::uint64_t;
Wait Begin(Clock clock, std::chrono::nanoseconds left);
// The same in a coroutine.
struct Coroutines;
Wait Begin(Clock clock, std::chrono::nanoseconds left, const Coroutines& coroutines);
void Fire(Wait wait) noexcept;
void Stop(Wait wait) noexcept;
bool UsesAsio() noexcept;  // makes the library known as one that the program uses

// The base of Asio's operations.
class Tracked {
 public:
  Wait wait() const { return wait_; }
  void set_wait(Wait wait) { wait_ = wait; }

 protected:
  Tracked() = default;
  ~Tracked() = default;

 private:
  Wait wait_ = 0;
};

// Lives while an operation ends. Its handler is called, or else was destroyed with its loop.
class Completion {
 public:
  explicit Completion(const Tracked& operation) : wait_(operation.wait()) {}
  ~Completion() {
    if (wait_ != 0) Stop(wait_);
  }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  template <typename Error, typename... More>
  void InvocationBegin(const Error& error, const More&...) {
    if (wait_ == 0) return;
    const Wait wait = std::exchange(wait_, 0);
    if (error) {
      Stop(wait);
    } else {
      Fire(wait);
    }
  }
  void InvocationBegin() {}

 private:
  Wait wait_;
};

// ---- the deadline

template <typename Expiry>
constexpr Clock ClockOf() {
  if constexpr (requires { typename Expiry::clock; }) {
    if (std::is_same_v<typename Expiry::clock, std::chrono::steady_clock>) return Clock::kSteady;
    if (std::is_same_v<typename Expiry::clock, std::chrono::system_clock>) return Clock::kSystem;
  } else if constexpr (requires(const Expiry& time) { time.time_of_day().total_microseconds(); }) {
    return Clock::kPosixTime;
  }
  return Clock::kOther;
}

template <typename Expiry>
std::chrono::nanoseconds LeftUntil(const Expiry& expiry) {
  using std::chrono::nanoseconds;
  if constexpr (requires { typename Expiry::clock; }) {
    using Span = typename Expiry::duration;  // it may be too long for nanoseconds
    const auto now = std::chrono::time_point_cast<Span>(Expiry::clock::now());
    if (expiry <= now) return nanoseconds::zero();
    const Span left = expiry - now;
    if (left >= std::chrono::duration_cast<Span>(nanoseconds::max())) return nanoseconds::max();
    return std::chrono::duration_cast<nanoseconds>(left);
  } else if constexpr (ClockOf<Expiry>() == Clock::kPosixTime) {
    constexpr std::int64_t kEpoch = 40'587;  // the first of January 1970, as a modified Julian day
    if (expiry.is_special()) return nanoseconds::max();
    const std::chrono::sys_time<std::chrono::microseconds> time(
        std::chrono::days(static_cast<std::int64_t>(expiry.date().modjulian_day()) - kEpoch) +
        std::chrono::microseconds(expiry.time_of_day().total_microseconds()));
    return LeftUntil(time);
  } else {
    return nanoseconds::max();
  }
}

// ---- the line of a coroutine: it is not on the stack while it waits

// The part of an Asio operation that `member` is in.
template <typename Part, typename Member>
Part PartWith(Member Part::* member);

// The handler that an operation begins with, behind its base (asio/detail/wait_handler.hpp).
template <typename Handler, typename Operation>
Handler& HandlerOf(Operation& operation) {
  using Base = decltype(PartWith(&Operation::ec_));
  static_assert(sizeof(Base) % alignof(Handler) == 0);
  return *reinterpret_cast<Handler*>(reinterpret_cast<char*>(&operation) + sizeof(Base));
}

// A coroutine that waits, and those that wait for it.
struct Coroutines {
  static constexpr int kMost = 16;
  const void* frame = nullptr;  // Asio's own, which was made where the program calls async_wait
  int count = 0;                // 0: it is no coroutine
  std::uintptr_t code[kMost];   // where each begins: that one, then the program's, innermost first
};

// Asio's own coroutine of a wait is made by the program's, which is on the stack then: the last
// time that its line can be known. This is the promise of the first.
void Locate(const void* frame) noexcept;  // keeps the stack
void Forget(const void* frame) noexcept;

template <typename Frame>
struct Located : Frame {
  Located() { Locate(static_cast<Frame*>(this)); }
  ~Located() { Forget(static_cast<Frame*>(this)); }
};

// What is protected in Asio's classes.
template <typename Handler>
struct HandlerAccess : Handler {
  static auto* Frame(Handler& handler) { return (handler.*(&HandlerAccess::frame))(); }
};
template <typename Frame>
struct FrameAccess : Frame {
  static auto* Caller(auto& frame) { return frame.*(&FrameAccess::caller_); }
  // The code of a coroutine: its frame begins with the address.
  static std::uintptr_t Code(auto& frame) {
    return *static_cast<const std::uintptr_t*>((frame.*(&FrameAccess::coro_)).address());
  }
};

template <typename Handler>
Coroutines CoroutinesOf(Handler& handler) {
  Coroutines found;
  if constexpr (requires { typename Handler::awaitable_type; }) {  // use_awaitable
    auto* const first = HandlerAccess<Handler>::Frame(handler);
    using Access = FrameAccess<std::remove_pointer_t<decltype(first)>>;
    found.frame = first;
    found.code[found.count++] = Access::Code(*first);
    for (auto* caller = Access::Caller(*first);
         caller != nullptr && found.count < Coroutines::kMost; caller = Access::Caller(*caller))
      found.code[found.count++] = Access::Code(*caller);
  } else if constexpr (requires { handler.handler_; }) {  // redirect_error, as_tuple
    return CoroutinesOf(handler.handler_);
  }
  return found;
}

// ---- what the macros call

template <template <typename, typename> typename Operation, typename Handler, typename Executor>
void BeginOf(Operation<Handler, Executor>& operation, const auto& expiry) {
  constexpr Clock kClock = ClockOf<std::remove_cvref_t<decltype(expiry)>>();
  const Coroutines coroutines = CoroutinesOf(HandlerOf<Handler>(operation));
  const std::chrono::nanoseconds left = LeftUntil(expiry);
  operation.set_wait(coroutines.count == 0 ? Begin(kClock, left) : Begin(kClock, left, coroutines));
}

void Creation(auto&&, auto& operation, const char*, auto object, auto, const char*) {
  if constexpr (requires {
                  object->expiry;
                  object->might_have_pending_waits;
                })
    BeginOf(operation, object->expiry);
}

}  // namespace afterleak::loops::asio_tracking

// What a wait by use_awaitable becomes: a coroutine whose parameters are how it is begun, and that.
#define AFTERLEAK_LOCATE_AWAITABLES(asio)                                                          \
  template <typename Executor, typename Initiation>                                                \
  struct std::coroutine_traits<asio::awaitable<void, Executor>, Initiation,                        \
                               asio::use_awaitable_t<Executor>> {                                  \
    using promise_type =                                                                           \
        ::afterleak::loops::asio_tracking::Located<asio::detail::awaitable_frame<void, Executor>>; \
  }
