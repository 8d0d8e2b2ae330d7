#include "afterleak/go/once.h"

#include <exception>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"

namespace afterleak::sync {

std::function<void()> OnceFunc(std::function<void()> action) {
  struct State {
    Once once;
    std::function<void()> action;
    std::exception_ptr failure;
  };
  const auto state = std::make_shared<State>();
  state->action = std::move(action);
  return [state] {
    state->once.Do([&] {
      const std::function<void()> only = std::move(state->action);  // not kept when it has ended
      try {
        only();
      } catch (const internal::Unwind&) {
        state->failure = std::make_exception_ptr(Panic("sync: OnceFunc: its bubble has ended"));
        throw;
      } catch (...) {
        state->failure = std::current_exception();
      }
    });
    if (state->failure) std::rethrow_exception(state->failure);
  };
}

}  // namespace afterleak::sync
