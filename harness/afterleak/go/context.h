// Go's package context: deadlines and cancellation that reach everything started below.
//
//   auto [ctx, cancel] = context::WithTimeout(context::Background(), 30s);
//   Defer deferred(cancel);                         // defer cancel()
//   switch (Select({Recv(ctx.Done()), ...})) { ... }
//
// Semantics are those of context/context.go: the first error wins; a deadline in the past
// is done at return and arms no timer; a child whose deadline is not before its parent's has no
// timer of its own; cancelling stops the timer and takes the context off its parent; when cancel
// returns, the whole tree below is done.
//
// The timer of a deadline is rooted: it keeps its context until it fires or cancel stops it, and it
// counts as live. One difference to Go: a context without a timer that is dropped and never
// cancelled goes at once, where Go's parent keeps it; what remains of it is its Done, if somebody
// holds that, to be closed with the parent's.
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
  kNone,              // it is not: nil
  kCanceled,          // context.Canceled
  kDeadlineExceeded,  // context.DeadlineExceeded
};

// Go's text for it: "context canceled", "context deadline exceeded"; "<nil>" for kNone.
std::string_view ToString(Error error);

// A handle: copies name the same context. Thread-safe.
class Context {
 public:
  // Closed when the context is done; nil for one that never is.
  RecvChan<Unit> Done() const;

  Error Err() const;

  // When it will be done at the latest, if that is set.
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

// Never done, no deadline.
Context Background();

// Done when `parent` is, or cancel is called.
[[nodiscard]] Cancelable WithCancel(const Context& parent);

// And when `deadline` comes.
[[nodiscard]] Cancelable WithDeadline(const Context& parent, Time deadline,
                                      std::source_location site = std::source_location::current());

// And after `delay`.
[[nodiscard]] Cancelable WithTimeout(const Context& parent, Duration delay,
                                     std::source_location site = std::source_location::current());

// The timers of deadlines, as a census names them.
extern const TimerKind kDeadline;

}  // namespace context
}  // namespace afterleak
