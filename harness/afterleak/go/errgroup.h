// Go's package golang.org/x/sync/errgroup: goroutines that work on parts of one task. The first
// error of any is the error of all.
//
//   auto [group, ctx] = errgroup::WithContext(context::Background());
//   for (const std::string& url : urls) group.Go([=] { Fetch(ctx, url); });
//   if (errgroup::Error error = group.Wait()) std::rethrow_exception(error);
//
// Semantics are those of errgroup.go as Go 1.23 vendors it. Go's error is a std::exception_ptr, and
// nil is null. A task has an error if it throws, or returns an Error that is not null, or a
// context::Error other than kNone (`return ctx.Err();`). A Panic is no error: as in Go it ends the
// program, so the Run or Advance of the bubble throws it.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/context.h"

namespace afterleak::errgroup {

using Error = std::exception_ptr;

// What a task may return besides nothing. A context::Error is kept as an exception of that type.
inline Error ToError(Error error) { return error; }
Error ToError(context::Error error);

// The text of an error, what() of a std::exception; "<nil>" if there is none.
std::string ToString(const Error& error);

template <typename Task>
concept IsTask = std::invocable<Task&> && (std::is_void_v<std::invoke_result_t<Task&>> ||
                                           requires(Task& task) { ToError(task()); });

// A handle: copies name the same group, which its goroutines keep. Thread-safe, except SetLimit. A
// task costs what its goroutine costs.
class Group {
 public:
  // Without a limit or a context.
  Group();

  // Runs `task` in a new goroutine. Blocks first while as many tasks run as the limit allows ("chan
  // send" in a report). The first error cancels the context of the group.
  template <IsTask Task>
  void Go(Task task, std::source_location site = std::source_location::current()) const {
    Enter(site);
    Start(task, site);
  }

  // The same if that needs no waiting; returns whether it did.
  template <IsTask Task>
  [[nodiscard]] bool TryGo(Task task,
                           std::source_location site = std::source_location::current()) const {
    if (!TryEnter()) return false;
    Start(task, site);
    return true;
  }

  // Lets at most n tasks run at once: at 0 none, below 0 any number. Panics while there are tasks
  // and a limit: "errgroup: modify limit while 2 goroutines in the group are still active".
  void SetLimit(int n) const;

  // Blocks until all tasks have returned ("sync.WaitGroup.Wait"), cancels the context of the group,
  // and returns the first error.
  [[nodiscard]] Error Wait(std::source_location site = std::source_location::current()) const;

 private:
  struct State;
  friend std::pair<Group, context::Context> WithContext(const context::Context& parent,
                                                        std::source_location site);

  void Enter(std::source_location site) const;
  bool TryEnter() const;
  void Leave() const;
  void Run(const std::function<Error()>& task) const;

  template <typename Task>
  void Start(Task& task, std::source_location site) const {
    try {
      afterleak::Go(
          [group = *this, task = std::move(task)]() mutable {
            group.Run([&task] {
              if constexpr (std::is_void_v<std::invoke_result_t<Task&>>) {
                task();
                return Error();
              } else {
                return ToError(task());
              }
            });
          },
          site);
    } catch (...) {  // no memory or thread for it
      Leave();
      throw;
    }
  }

  std::shared_ptr<State> state_;
};

// A group and its context. The context is done as soon as a task has an error, which is then its
// cause, or Wait returns.
[[nodiscard]] std::pair<Group, context::Context> WithContext(
    const context::Context& parent, std::source_location site = std::source_location::current());

}  // namespace afterleak::errgroup
