#include "afterleak/go/context.h"

#include <forward_list>
#include <utility>
#include <vector>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"

namespace afterleak {

const TimerKind context::kDeadline{.name = "context deadline", .rooted = true};

namespace internal {

using context::Context;
using context::Error;

// A context and its deadline's timer. A child owns its parent; a parent knows its children by an
// intrusive list, which they leave when they end or go. Guarded by the runtime's mutex, save what
// never changes.
class ContextNode final : public std::enable_shared_from_this<ContextNode>,
                          private Alarm,
                          private Runnable {
 public:
  // What may have no other owner and must go without the lock: contexts that kept themselves for
  // the sake of their timers, and orphans.
  struct Released {
    std::vector<std::shared_ptr<ContextNode>> contexts;
    std::forward_list<Chan<Unit>> orphans;
  };

  ContextNode(Runtime& runtime, std::shared_ptr<ContextNode> parent)
      : runtime_(runtime), parent_(std::move(parent)) {}
  ~ContextNode() {
    const Lock lock(runtime_.mutex());
    if (joined_) {
      if (done_.core()->IsShared()) orphans_.push_front(done_);
      parent_->orphans_.splice_after(parent_->orphans_.before_begin(), orphans_);
    }
    LeaveParent();
  }

  static context::Cancelable Make(const Context& parent, std::optional<Time> limit,
                                  std::source_location site) {
    Runtime& runtime = Runtime::Current();
    if (parent.node_ != nullptr && &parent.node_->runtime_ != &runtime)
      throw Panic("the parent context is of another bubble");
    auto node = std::make_shared<ContextNode>(runtime, parent.node_);
    node->Begin(limit, site);
    context::Cancelable both;
    both.first.node_ = both.second.node_ = std::move(node);
    return both;
  }

  const Chan<Unit>& done() const { return done_; }
  std::optional<Time> limit() const { return limit_; }
  Error error() const {
    const Lock lock(runtime_.mutex());
    return error_;
  }

  void Cancel() {
    Released released;
    const Lock lock(runtime_.mutex());
    End(Error::kCanceled, released);
  }

 private:
  void Begin(std::optional<Time> limit, std::source_location site) {
    Released released;
    const Lock lock(runtime_.mutex());
    if (parent_ != nullptr) {
      limit_ = parent_->limit_;
      if (parent_->error_ != Error::kNone) return End(parent_->error_, released);
      JoinParent();
    }
    if (!limit || (limit_ && *limit_ <= *limit)) return;  // the parent's is soon enough
    limit_ = limit;
    const Time now = runtime_.Now();
    if (*limit <= now) return End(Error::kDeadlineExceeded, released);
    runtime_.Arm(*this, *limit);
    if (!pending()) return;
    ticket_ = runtime_.census().Arm(context::kDeadline, site, sizeof(ContextNode), now, *limit);
    kept_ = shared_from_this();
  }

  // Itself and then, child by child, all that is below it: a loop, since a chain may be deep.
  void End(Error error, Released& released) {
    for (ContextNode* node = this; node != nullptr;) {
      if (node->error_ == Error::kNone) node->EndAlone(error, released);
      if (node->first_child_ != nullptr) {
        node = node->first_child_;
        continue;
      }
      node->LeaveParent();
      node = node == this ? nullptr : node->parent_.get();
    }
  }

  void EndAlone(Error error, Released& released) {
    error_ = error;
    if (pending()) {
      runtime_.queue().Stop(*this);
      runtime_.census().Stop(ticket_);
    }
    if (kept_ != nullptr && !queued_) released.contexts.push_back(std::move(kept_));
    CloseOpenChan(*done_.core());
    for (const Chan<Unit>& orphan : orphans_) CloseOpenChan(*orphan.core());
    released.orphans.splice_after(released.orphans.before_begin(), orphans_);
  }

  // The deadline ends the context in turn with the goroutines of its instant, as the callback of
  // Go's time.AfterFunc does.
  void Fire(Runtime& runtime) override {
    runtime.census().Fire(ticket_);
    queued_ = true;
    runtime.Enqueue(*this);
  }
  bool Resume(Runtime&, Lock& lock) override {
    {
      Released released{.contexts = {std::move(kept_)}, .orphans = {}};
      End(Error::kDeadlineExceeded, released);
      lock.unlock();
    }
    lock.lock();
    return false;
  }
  void Drop(Lock& lock) override {
    std::shared_ptr<ContextNode> last = std::move(kept_);
    lock.unlock();
    last.reset();
    lock.lock();
  }

  void JoinParent() {
    next_sibling_ = parent_->first_child_;
    if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = this;
    parent_->first_child_ = this;
    joined_ = true;
  }
  void LeaveParent() {
    if (!std::exchange(joined_, false)) return;
    (previous_sibling_ != nullptr ? previous_sibling_->next_sibling_ : parent_->first_child_) =
        next_sibling_;
    if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = previous_sibling_;
    previous_sibling_ = next_sibling_ = nullptr;
  }

  Runtime& runtime_;
  const std::shared_ptr<ContextNode> parent_;
  const Chan<Unit> done_ = MakeChan<Unit>();
  std::optional<Time> limit_;
  Error error_ = Error::kNone;
  Census::Ticket ticket_ = 0;
  std::shared_ptr<ContextNode>
      kept_;             // itself, while its timer is pending or it is in the run queue
  bool queued_ = false;  // has been put there
  bool joined_ = false;  // is among its parent's children
  ContextNode* first_child_ = nullptr;
  ContextNode* previous_sibling_ = nullptr;
  ContextNode* next_sibling_ = nullptr;
  // Done of children that went without having ended, while somebody held it.
  std::forward_list<Chan<Unit>> orphans_;
};

}  // namespace internal

namespace context {

using internal::ContextNode;

std::string_view ToString(Error error) {
  switch (error) {
    case Error::kNone:
      return "<nil>";
    case Error::kCanceled:
      return "context canceled";
    case Error::kDeadlineExceeded:
      return "context deadline exceeded";
  }
  return "";
}

RecvChan<Unit> Context::Done() const { return node_ != nullptr ? RecvChan<Unit>(node_->done()) : RecvChan<Unit>(); }
Error Context::Err() const { return node_ != nullptr ? node_->error() : Error::kNone; }
std::optional<Time> Context::Deadline() const {
  return node_ != nullptr ? node_->limit() : std::nullopt;
}

void CancelFunc::operator()() const {
  if (node_ != nullptr) node_->Cancel();
}

Context Background() { return {}; }

Cancelable WithCancel(const Context& parent) { return ContextNode::Make(parent, std::nullopt, {}); }

Cancelable WithDeadline(const Context& parent, Time deadline, std::source_location site) {
  return ContextNode::Make(parent, deadline, site);
}

Cancelable WithTimeout(const Context& parent, Duration delay, std::source_location site) {
  return WithDeadline(parent, SaturatingAdd(Bubble::Current().Now(), delay), site);
}

}  // namespace context
}  // namespace afterleak
