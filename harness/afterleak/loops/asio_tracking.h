// What ASIO_CUSTOM_HANDLER_TRACKING and BOOST_ASIO_CUSTOM_HANDLER_TRACKING name: Asio includes it
// and calls these macros (asio/detail/handler_tracking.hpp says when). Do not include it.
//
// Link afterleak::loops_asio, which defines both, to everything that includes Asio: all translation
// units of a program must have them, or none (Asio's classes get a base more). Nothing can tell
// where some have and some have not: that breaks the one definition rule, and the program.
//
// Seen: the waits of steady_timer, system_timer, deadline_timer and basic_waitable_timer, each from
// async_wait until its handler is called or destroyed. So a cancelled wait is live until its loop
// has told the handler, as Asio keeps it until then. Not seen: a timer that nobody waits for (so
// nothing of Asio is idle), and blocking waits.
//
// Cost: a wait costs what loops.h says; any other operation 1 ns.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "afterleak/version.h"

namespace afterleak::loops::asio_tracking {

enum class Clock : std::uint8_t { kSteady, kSystem, kPosixTime, kOther };

// A wait by its number; 0 is none. These are in asio.cc.
using Wait = std::uint64_t;
Wait Begin(Clock clock, std::chrono::nanoseconds left);
// The same in a coroutine: the code of each that awaits another, innermost first.
Wait Begin(Clock clock, std::chrono::nanoseconds left, const std::uintptr_t* code, int count);
void Fire(Wait wait) noexcept;
void Stop(Wait wait) noexcept;
bool UsesAsio() noexcept;  // makes the library known as one that the program uses

inline const bool uses_asio = UsesAsio();

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

inline constexpr int kMostCoroutines = 16;

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

// The coroutine that waits, and those that wait for it. Returns how many; 0 if it is none.
template <typename Handler>
int CodeOf(Handler& handler, std::uintptr_t* code) {
  if constexpr (requires { typename Handler::awaitable_type; }) {  // use_awaitable
    auto* const first = HandlerAccess<Handler>::Frame(handler);
    using Access = FrameAccess<std::remove_pointer_t<decltype(first)>>;
    int count = 0;
    code[count++] = Access::Code(*first);
    for (auto* caller = Access::Caller(*first); caller != nullptr && count < kMostCoroutines;
         caller = Access::Caller(*caller))
      code[count++] = Access::Code(*caller);
    return count;
  } else if constexpr (requires { handler.handler_; }) {  // redirect_error, as_tuple
    return CodeOf(handler.handler_, code);
  } else {
    return 0;
  }
}

// ---- what the macros call

template <template <typename, typename> typename Operation, typename Handler, typename Executor>
void BeginOf(Operation<Handler, Executor>& operation, const auto& expiry) {
  constexpr Clock kClock = ClockOf<std::remove_cvref_t<decltype(expiry)>>();
  std::uintptr_t code[kMostCoroutines];
  const int count = CodeOf(HandlerOf<Handler>(operation), code);
  const std::chrono::nanoseconds left = LeftUntil(expiry);
  operation.set_wait(count == 0 ? Begin(kClock, left) : Begin(kClock, left, code, count));
}

void Creation(auto&&, auto& operation, const char*, auto object, auto, const char*) {
  if constexpr (requires {
                  object->expiry;
                  object->might_have_pending_waits;
                })
    BeginOf(operation, object->expiry);
}

}  // namespace afterleak::loops::asio_tracking

// NOLINTBEGIN(bugprone-macro-parentheses): what Asio passes has its own.
#define AFTERLEAK_ASIO ::afterleak::loops::asio_tracking

#define ASIO_INHERIT_TRACKED_HANDLER : public AFTERLEAK_ASIO::Tracked
#define ASIO_ALSO_INHERIT_TRACKED_HANDLER , public AFTERLEAK_ASIO::Tracked
#define ASIO_HANDLER_TRACKING_INIT (void)0
#define ASIO_HANDLER_LOCATION(args) (void)0
#define ASIO_HANDLER_CREATION(args) AFTERLEAK_ASIO::Creation args
#define ASIO_HANDLER_COMPLETION(args) AFTERLEAK_ASIO::Completion afterleak_completion args
#define ASIO_HANDLER_INVOCATION_BEGIN(args) afterleak_completion.InvocationBegin args
#define ASIO_HANDLER_INVOCATION_END (void)0
#define ASIO_HANDLER_OPERATION(args) (void)0
#define ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_READ_EVENT 0
#define ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define ASIO_HANDLER_REACTOR_OPERATION(args) (void)0

#define BOOST_ASIO_INHERIT_TRACKED_HANDLER ASIO_INHERIT_TRACKED_HANDLER
#define BOOST_ASIO_ALSO_INHERIT_TRACKED_HANDLER ASIO_ALSO_INHERIT_TRACKED_HANDLER
#define BOOST_ASIO_HANDLER_TRACKING_INIT (void)0
#define BOOST_ASIO_HANDLER_LOCATION(args) (void)0
#define BOOST_ASIO_HANDLER_CREATION(args) ASIO_HANDLER_CREATION(args)
#define BOOST_ASIO_HANDLER_COMPLETION(args) ASIO_HANDLER_COMPLETION(args)
#define BOOST_ASIO_HANDLER_INVOCATION_BEGIN(args) ASIO_HANDLER_INVOCATION_BEGIN(args)
#define BOOST_ASIO_HANDLER_INVOCATION_END (void)0
#define BOOST_ASIO_HANDLER_OPERATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_READ_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_OPERATION(args) (void)0
// NOLINTEND(bugprone-macro-parentheses)
