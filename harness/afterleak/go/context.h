// Go's package context: deadlines and cancellation that reach everything started below them.
//
//   auto [ctx, cancel] = context::WithTimeout(context::Background(), 30s);
//   Defer deferred(cancel);                         // defer cancel()
//   switch (Select({Recv(ctx.Done()), ...})) { ... }
//
// Semantics are those of context/context.go. The first error wins. A deadline in the past is done
// at return and arms no timer. A child whose deadline is after its parent's has no timer.
// Cancelling stops the timer and unlinks the context from its parent. When cancel returns, the
// whole tree below is done.
//
// As in Go, and in both timer modes, a context is kept by its timer and by its parent until it is
// cancelled, its deadline comes or the parent is done: a cancel that is never called is a leak. The
// census has a record for each context that is kept: among the timers if it has a deadline earlier
// than its parent's, otherwise among the contexts (Resource::kContext). If the last Context,
// CancelFunc and Done of a context go while it is kept, and no child and no AfterFunc is left that
// would notice its end, it is abandoned. A context that nothing keeps, such as one without a
// deadline below Background(), goes with its last handle.
//
// Handles are counted, and Done is one. Everything is thread-safe. Making and cancelling a context
// is O(1); a handle that goes may cost O(depth).
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/go/callback.h"
#include "afterleak/go/chan.h"

namespace afterleak {

namespace internal {
class ContextNode;
struct Binding;
}  // namespace internal

namespace context {

// Why a context is done: Go's ctx.Err().
enum class Error : std::uint8_t {
  kNone,              // not done: nil
  kCanceled,          // context.Canceled
  kDeadlineExceeded,  // context.DeadlineExceeded
};

// Go's text for it: "context canceled", "context deadline exceeded"; "<nil>" for kNone.
std::string_view ToString(Error error);

// Names a value that contexts carry, and its type. A constant of the program: two keys are told
// apart by their addresses, so no two packages mean the same one by accident.
//   const context::Key<std::string> kUser;
template <typename T>
class Key {
 public:
  constexpr Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
};

// A handle: copies name the same context. Thread-safe.
class Context {
 public:
  // Closed when the context is done; nil for a context that can never be done.
  RecvChan<Unit> Done() const { return RecvChan<Unit>(node_); }

  Error Err() const;

  // When it will be done at the latest, if a deadline is set.
  std::optional<Time> Deadline() const;

  // What WithValue has stored for this key, here or above; null if nothing. It exists as long
  // as this handle does.
  template <typename T>
  const T* Value(const Key<T>& key) const;

 private:
  friend class internal::ContextNode;
  friend Context WithoutCancel(const Context& parent);
  template <typename T>
  friend Context WithValue(const Context& parent, const Key<T>& key, std::type_identity_t<T> value);

  internal::Ref<internal::ChanCore> node_;     // a ContextNode; null: never done
  std::shared_ptr<internal::Binding> values_;  // the last one first
};

// Cancels its context and all below it, with kCanceled; a second call does nothing. Go's
// context.CancelFunc. Copies cancel the same context.
class CancelFunc {
 public:
  void operator()() const;
  explicit operator bool() const { return static_cast<bool>(node_); }

 private:
  friend class internal::ContextNode;
  internal::Ref<internal::ChanCore> node_;
};

// The same, with a cause, for Cause to return; null stands for kCanceled.
class CancelCauseFunc {
 public:
  void operator()(std::exception_ptr cause) const;
  explicit operator bool() const { return static_cast<bool>(node_); }

 private:
  friend class internal::ContextNode;
  internal::Ref<internal::ChanCore> node_;
};

// Ends the registration of an AfterFunc. True if that keeps the function from being run; false if
// it has been started or stopped already. Does not wait for it.
class StopFunc {
 public:
  bool operator()() const;
  explicit operator bool() const { return static_cast<bool>(node_); }

 private:
  friend class internal::ContextNode;
  internal::Ref<internal::ChanCore> node_;
};

using Cancelable = std::pair<Context, CancelFunc>;
using CancelableCause = std::pair<Context, CancelCauseFunc>;

// Is never done and has no deadline and no values. Todo, which Go writes in capitals, says that it
// is not yet clear which context to use.
Context Background();
Context Todo();

// Done when `parent` is done or cancel is called.
[[nodiscard]] Cancelable WithCancel(const Context& parent,
                                    std::source_location site = std::source_location::current());
[[nodiscard]] CancelableCause WithCancelCause(
    const Context& parent, std::source_location site = std::source_location::current());

// The same, and also done when `deadline` comes. Then Cause returns `cause`; if cancel comes first,
// it does not.
[[nodiscard]] Cancelable WithDeadline(const Context& parent, Time deadline,
                                      std::source_location site = std::source_location::current());
[[nodiscard]] Cancelable WithDeadlineCause(
    const Context& parent, Time deadline, std::exception_ptr cause,
    std::source_location site = std::source_location::current());

// The same, with the deadline `delay` from now.
[[nodiscard]] Cancelable WithTimeout(const Context& parent, Duration delay,
                                     std::source_location site = std::source_location::current());
[[nodiscard]] Cancelable WithTimeoutCause(
    const Context& parent, Duration delay, std::exception_ptr cause,
    std::source_location site = std::source_location::current());

// Is never done and has no deadline, but the values of `parent`.
[[nodiscard]] Context WithoutCancel(const Context& parent);

// The same context with one more value. Contexts made from this one keep the value too, and
// their parents keep them. So a value that holds a handle of such a context may be a cycle, and
// is never freed then.
template <typename T>
[[nodiscard]] Context WithValue(const Context& parent, const Key<T>& key,
                                std::type_identity_t<T> value);

// Why `ctx` is done: the cause that the first cancellation of it or of a context above gave, else
// its Err, as an exception of that type; null if it is not done.
std::exception_ptr Cause(const Context& ctx);

// The text of a cause: what() of a std::exception, ToString of an Error; "<nil>" for null.
std::string ToString(const std::exception_ptr& cause);

// Runs `function` in a new goroutine once `ctx` is done: at once if it is. The registration
// lasts until then, or until stop is called. What the function allocates is charged to the heap
// scope of the caller.
template <std::invocable Function>
StopFunc AfterFunc(const Context& ctx, Function function,
                   std::source_location site = std::source_location::current());

// The kinds of context and registration, as a census names them.
extern const TimerKind kDeadline;
extern const TimerKind kCancel;
extern const TimerKind kAfterFunc;

// ---- details

StopFunc AfterFunc(const Context& ctx, internal::Ref<internal::Callback> function,
                   std::source_location site);

template <std::invocable Function>
StopFunc AfterFunc(const Context& ctx, Function function, std::source_location site) {
  return AfterFunc(ctx, internal::MakeCallback(std::move(function), site), site);
}

}  // namespace context

namespace internal {

// One value of a context, and those that it had before.
struct Binding {
  Binding(const void* its_key, std::shared_ptr<Binding> before)
      : key(its_key), next(std::move(before)) {}
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;
  virtual ~Binding();  // in a loop, because there may be many
  virtual const void* value() const = 0;

  const void* const key;
  std::shared_ptr<Binding> next;
};

template <typename T>
struct BindingOf final : Binding {
  BindingOf(const context::Key<T>& its_key, std::shared_ptr<Binding> before, T its_value)
      : Binding(&its_key, std::move(before)), held(std::move(its_value)) {}
  const void* value() const override { return &held; }

  const T held;
};

}  // namespace internal

template <typename T>
const T* context::Context::Value(const Key<T>& key) const {
  for (const internal::Binding* b = values_.get(); b != nullptr; b = b->next.get()) {
    if (b->key == &key) return static_cast<const T*>(b->value());
  }
  return nullptr;
}

template <typename T>
context::Context context::WithValue(const Context& parent, const Key<T>& key,
                                    std::type_identity_t<T> value) {
  Context ctx = parent;
  ctx.values_ = std::make_shared<internal::BindingOf<T>>(key, parent.values_, std::move(value));
  return ctx;
}

}  // namespace afterleak
