#include "afterleak/go/errgroup.h"

#include <fmt/format.h>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"
#include "afterleak/go/chan.h"
#include "afterleak/go/defer.h"
#include "afterleak/go/once.h"
#include "afterleak/go/wait_group.h"

namespace afterleak::errgroup {

// As in Go.
struct Group::State {
  context::CancelCauseFunc cancel;
  sync::WaitGroup wait_group;
  Chan<Unit> limit;  // nil: none
  sync::Once once;
  Error error;

  void Cancel() const {
    if (cancel) cancel(error);
  }
};

Error ToError(context::Error error) {
  return error == context::Error::kNone ? nullptr : std::make_exception_ptr(error);
}

std::string ToString(const Error& error) { return context::ToString(error); }

Group::Group() : state_(std::make_shared<State>()) {}

void Group::Enter(std::source_location site) const {
  if (!state_->limit.IsNil()) state_->limit.Send({}, site);
  state_->wait_group.Add(1, site);
}

bool Group::TryEnter() const {
  if (!state_->limit.IsNil() && !state_->limit.TrySend({})) return false;
  state_->wait_group.Add(1);
  return true;
}

void Group::Leave() const {
  if (!state_->limit.IsNil()) state_->limit.TryRecv();
  state_->wait_group.Done();
}

void Group::Run(const std::function<Error()>& task) const {
  const Defer done([this] { Leave(); });
  Error error;
  try {
    error = task();
  } catch (const internal::Unwind&) {
    throw;
  } catch (const Panic&) {
    throw;
  } catch (...) {
    error = std::current_exception();
  }
  if (!error) return;
  state_->once.Do([&] {
    state_->error = std::move(error);
    state_->Cancel();
  });
}

void Group::SetLimit(int n) const {
  if (n < 0) {
    state_->limit = {};
    return;
  }
  if (const std::size_t active = state_->limit.Len(); active > 0)
    throw Panic(fmt::format(
        "errgroup: modify limit while {} goroutines in the group are still active", active));
  state_->limit = MakeChan<Unit>(static_cast<std::size_t>(n));
}

Error Group::Wait(std::source_location site) const {
  state_->wait_group.Wait(site);
  state_->Cancel();
  return state_->error;
}

std::pair<Group, context::Context> WithContext(const context::Context& parent,
                                               std::source_location site) {
  Group group;
  auto [ctx, cancel] = context::WithCancelCause(parent, site);
  group.state_->cancel = std::move(cancel);
  return {group, ctx};
}

}  // namespace afterleak::errgroup
