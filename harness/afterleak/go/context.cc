#include "afterleak/go/context.h"

#include <utility>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"

namespace afterleak {

const TimerKind context::kDeadline{.name = "context deadline", .rooted = true};

namespace internal {

using context::Context;
using context::Error;

// The Done of a context: closed, never sent to. If its context goes first, without having ended,
// the parent keeps it on an intrusive list so that it can close it. It leaves the list when the
// last handle on it goes.
class DoneChan final : public ChanCore {
 public:
  explicit DoneChan(Runtime& runtime) : ChanCore(runtime, 0) { CountObject(); }

  // With the lock held, like the other methods.
  static void CloseAll(DoneChan*& orphans) {
    while (orphans != nullptr) {
      CloseOpenChan(*orphans);
      orphans->Leave();
    }
  }
  static void MoveAll(DoneChan*& from, DoneChan*& to) {
    while (from != nullptr) {
      DoneChan& orphan = *from;
      orphan.Leave();
      orphan.Join(to);
    }
  }
  void Join(DoneChan*& orphans) {
    next_ = orphans;
    if (next_ != nullptr) next_->place_ = &next_;
    orphans = this;
    place_ = &orphans;
  }
  void Leave() {
    if (place_ == nullptr) return;
    *place_ = next_;
    if (next_ != nullptr) next_->place_ = place_;
    place_ = nullptr;
  }

 private:
  void LastHandleGone() override {
    {
      const Lock lock(runtime_.mutex());
      Leave();
    }
    ChanCore::LastHandleGone();
  }
  void PutBuffer(void*) override {}
  void TakeBuffer(void*) override {}
  void Hand(void*, void*) override {}

  DoneChan* next_ = nullptr;
  DoneChan** place_ = nullptr;  // what points to it in its list; null when in no list
};

// A context and the timer of its deadline. A child owns its parent. A parent knows its children by
// an intrusive list, which they leave when they end or go. Guarded by the runtime's mutex, except
// for what never changes.
class ContextNode final : public std::enable_shared_from_this<ContextNode>,
                          private Alarm,
                          private Runnable {
 public:
  // Contexts that kept themselves alive for their timers. They may have no other owner, and must be
  // released without the lock. What each keeps now is the next one, so nothing is allocated.
  class Released {
   public:
    Released() = default;
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;
    ~Released() {
      while (first_ != nullptr) {
        const std::shared_ptr<ContextNode> node = std::move(first_);
        first_ = std::move(node->kept_);
      }
    }
    void Add(ContextNode& node) { node.kept_.swap(first_); }

   private:
    std::shared_ptr<ContextNode> first_;
  };

  ContextNode(Runtime& runtime, std::shared_ptr<ContextNode> parent)
      : runtime_(runtime), parent_(std::move(parent)) {}
  ~ContextNode() {
    const Lock lock(runtime_.mutex());
    if (joined_) {
      if (done_.core()->IsShared()) done_core().Join(orphans_);
      DoneChan::MoveAll(orphans_, parent_->orphans_);
    }
    while (orphans_ != nullptr) orphans_->Leave();  // nothing will close them
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
    ticket_ = runtime_.Arm(*this, now, *limit, context::kDeadline, sizeof(ContextNode), site);
    if (pending()) kept_ = shared_from_this();
  }

  // Ends this context and then, child by child, everything below it. A loop, because a chain
  // may be deep.
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
    if (kept_ != nullptr && !queued_) released.Add(*this);
    CloseOpenChan(*done_.core());
    DoneChan::CloseAll(orphans_);
  }

  // The deadline ends the context in turn with the goroutines of its instant, as the callback of
  // Go's time.AfterFunc does.
  void Fire(Runtime& runtime, Lock&) override {
    runtime.census().Fire(ticket_);
    queued_ = true;
    runtime.Enqueue(*this);
  }
  bool Resume(Runtime&, Lock& lock) override {
    {
      const std::shared_ptr<ContextNode> self = std::move(kept_);
      Released released;
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

  DoneChan& done_core() const { return static_cast<DoneChan&>(*done_.core()); }

  Runtime& runtime_;
  const std::shared_ptr<ContextNode> parent_;
  const Chan<Unit> done_ = Chan<Unit>(Ref<ChanCore>(new DoneChan(runtime_)));
  std::optional<Time> limit_;
  Error error_ = Error::kNone;
  Census::Ticket ticket_ = 0;
  // Itself, while its timer is pending or it is in the run queue.
  std::shared_ptr<ContextNode> kept_;
  bool queued_ = false;  // has been put in the run queue
  bool joined_ = false;  // is among its parent's children
  ContextNode* first_child_ = nullptr;
  ContextNode* previous_sibling_ = nullptr;
  ContextNode* next_sibling_ = nullptr;
  // Done channels of children that went without having ended, while a handle on them remained.
  DoneChan* orphans_ = nullptr;
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

RecvChan<Unit> Context::Done() const {
  return node_ != nullptr ? RecvChan<Unit>(node_->done()) : RecvChan<Unit>();
}
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
