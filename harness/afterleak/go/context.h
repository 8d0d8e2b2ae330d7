// Go's package context: deadlines and cancellation that reach everything started below them.
//
//   auto [ctx, cancel] = context::WithTimeout(context::Background(), 30s);
//   Defer deferred(cancel);                         // defer cancel()
//   switch (Select({Recv(ctx.Done()), ...})) { ... }
//
// Semantics are those of context/context.go. The first error wins. A deadline in the past is done
// at return and arms no timer. A child whose deadline is not before its parent's has no timer.
// Cancelling stops the timer and unlinks the context from its parent. When cancel returns, the
// whole tree below is done.
//
// The timer of a deadline is rooted: it keeps its context until it fires or cancel stops it, and it
// counts as live. One difference from Go: a context without a timer that is dropped and never
// cancelled goes at once, where Go's parent keeps it. What remains is its Done, if anyone holds
// that, which is closed with the parent's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>
#include <utility>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/go/chan.h"

namespace afterleak {

namespace internal {
class ContextNode;
}

namespace context {

// Why a context is done: Go's ctx.Err().
enum class Error : std::uint8_t {
  kNone,              // not done: nil
  kCanceled,          // context.Canceled
  kDeadlineExceeded,  // context.DeadlineExceeded
};

// Go's text for it: "context canceled", "context deadline exceeded"; "<nil>" for kNone.
std::string_view ToString(Error error);

// A handle: copies name the same context. Thread-safe.
class Context {
 public:
  // Closed when the context is done; nil for a context that can never be done.
  RecvChan<Unit> Done() const;

  Error Err() const;

  // When it will be done at the latest, if a deadline is set.
  std::optional<Time> Deadline() const;

 private:
  friend class internal::ContextNode;
  std::shared_ptr<internal::ContextNode> node_;  // null: the background
};

// Cancels its context and all below it, with kCanceled; a second call does nothing. Go's
// context.CancelFunc. Copies cancel the same context.
class CancelFunc {
 public:
  void operator()() const;
  explicit operator bool() const { return node_ != nullptr; }

 private:
  friend class internal::ContextNode;
  std::shared_ptr<internal::ContextNode> node_;
};

using Cancelable = std::pair<Context, CancelFunc>;

// Is never done and has no deadline.
Context Background();

// Done when `parent` is done or cancel is called.
[[nodiscard]] Cancelable WithCancel(const Context& parent);

// The same, and also done when `deadline` comes.
[[nodiscard]] Cancelable WithDeadline(const Context& parent, Time deadline,
                                      std::source_location site = std::source_location::current());

// The same, with the deadline `delay` from now.
[[nodiscard]] Cancelable WithTimeout(const Context& parent, Duration delay,
                                     std::source_location site = std::source_location::current());

// The kinds of timer behind deadlines, as a census names them.
extern const TimerKind kDeadline;

}  // namespace context
}  // namespace afterleak
