#include "afterleak/go/context.h"

#include <utility>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"
#include "afterleak/census/site.h"

namespace afterleak {

namespace {
constexpr std::string_view kCallCancel = "call cancel on every way out: Defer deferred(cancel)";
}  // namespace

const TimerKind context::kDeadline{.name = "context deadline", .cure = kCallCancel};
const TimerKind context::kCancel{
    .name = "context::WithCancel", .resource = Resource::kContext, .cure = kCallCancel};
const TimerKind context::kAfterFunc{.name = "context::AfterFunc",
                                    .rooted = true,
                                    .resource = Resource::kContext,
                                    .cure = "call its stop on every way out"};

namespace internal {

using context::Context;
using context::Error;

// A context, its Done channel and the timer of its deadline in one heap block; or the registration
// of an AfterFunc, which is a child that runs a callback when it ends.
//
// Contexts are trees. What Go's garbage collector finds out by tracing is counted here. Each node
// counts those of its children
//   that are held    by a handle or a timer, of theirs or below them. Parents and children keep one
//                    another alive, so a tree is kept while its root is held, and collected as a
//                    whole when it is not.
//   that are heard   by a handle or a callback, of theirs or below them. A record that is open
//                    though its context is not heard is abandoned.
// Neither comes back once it is lost, because a new child needs a handle on its parent.
//
// Everything but what never changes is guarded by the runtime's mutex.
class ContextNode final : public ChanCore, private Alarm, private Runnable {
 public:
  // What makes a context differ from a plain WithCancel.
  struct Plan {
    std::optional<Time> limit{};
    std::exception_ptr cause_of_deadline{};
    Ref<Callback> callback{};
  };

  static Ref<ContextNode> Make(const Context& parent, Plan plan, const Site& site) {
    Runtime& runtime = Runtime::Current();
    auto* const above = static_cast<ContextNode*>(parent.node_.get());
    if (above != nullptr && &above->runtime_ != &runtime)
      throw Panic("the parent context is of another bubble");
    Ref<ContextNode> node(new ContextNode(runtime, parent, plan));
    Released released;
    const Lock lock(runtime.mutex());
    runtime.AddObject();
    node->Begin(above, plan.limit, site, released);
    return node;
  }

  // A context with what cancels it, or (StopFunc) only that.
  template <typename Cancel>
  static std::pair<Context, Cancel> Handles(const Context& parent, Plan plan, const Site& site) {
    std::pair<Context, Cancel> both;
    both.first.values_ = parent.values_;
    both.first.node_ = both.second.node_ = Ref<ChanCore>(Make(parent, std::move(plan), site).get());
    return both;
  }
  static context::StopFunc Register(const Context& parent, Ref<Callback> callback,
                                    const Site& site) {
    context::StopFunc stop;
    stop.node_ = Ref<ChanCore>(Make(parent, {.callback = std::move(callback)}, site).get());
    return stop;
  }

  static ContextNode* Of(const Context& ctx) { return static_cast<ContextNode*>(ctx.node_.get()); }

  std::optional<Time> limit() const { return limit_; }
  Error error() const { return ending().first; }
  std::pair<Error, std::exception_ptr> ending() const {
    const Lock lock(runtime_.mutex());
    return {error_, cause_};
  }

  // True if it was this call that ended the context.
  bool Cancel(const std::exception_ptr& cause) {
    Released released;
    const Lock lock(runtime_.mutex());
    if (error_ != Error::kNone) return false;
    End(Error::kCanceled, cause, released);
    return true;
  }

  std::size_t bytes() const override {
    return sizeof(ContextNode) + (callback_ ? callback_->bytes() : 0);
  }

 private:
  // Nodes that nothing keeps any more. They are destroyed without the lock, because they hold what
  // belongs to the user.
  class Released {
   public:
    Released() = default;
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;
    ~Released() {
      while (first_ != nullptr) std::exchange(first_, first_->next_)->ChanCore::LastHandleGone();
    }
    void Add(ContextNode& node) { node.next_ = std::exchange(first_, &node); }

   private:
    ContextNode* first_ = nullptr;
  };

  ContextNode(Runtime& runtime, const Context& parent, const Plan& plan)
      : ChanCore(runtime, 0),
        values_(parent.values_),
        cause_of_deadline_(plan.cause_of_deadline),
        callback_(plan.callback) {}
  ~ContextNode() override = default;

  void Begin(ContextNode* parent, std::optional<Time> limit, const Site& site, Released& released) {
    if (parent != nullptr) limit_ = parent->limit_;
    const bool has_timer = limit && !(limit_ && *limit_ < *limit);
    if (has_timer) limit_ = limit;
    if (parent != nullptr && parent->error_ != Error::kNone) {
      if (callback_) callback_->Start();
      return End(parent->error_, parent->cause_, released);
    }
    const Time now = runtime_.Now();
    const auto size = static_cast<std::uint32_t>(bytes());
    if (has_timer) {
      if (*limit <= now) return End(Error::kDeadlineExceeded, cause_of_deadline_, released);
      ticket_ = runtime_.Arm(*this, now, *limit, context::kDeadline, size, site);
    } else if (parent != nullptr) {
      const TimerKind& kind = callback_ ? context::kAfterFunc : context::kCancel;
      ticket_ = runtime_.census().Arm(kind, site, size, now, Time::max());
    }
    if (parent != nullptr) Join(*parent);
  }

  // Ends this context and everything below it.
  void End(Error error, const std::exception_ptr& cause, Released& released) {
    ContextNode* const parent = parent_;
    TakeApart(
        [&](ContextNode& node) {
          if (node.error_ != Error::kNone) return;
          node.EndAlone(error, cause);
          if (node.callback_ && &node != this) node.StartCallback();
        },
        released);
    if (parent != nullptr) parent->Weigh(released);
  }

  void EndAlone(Error error, const std::exception_ptr& cause) {
    error_ = error;
    cause_ = cause;
    if (pending()) runtime_.queue().Stop(*this);
    if (ticket_ != 0) runtime_.census().Stop(std::exchange(ticket_, 0));
    Close();
  }

  void StartCallback() {
    try {
      callback_->Start();
    } catch (...) {
      runtime_.Fail(runtime_.Caught());
    }
  }

  // The deadline ends the context in turn with the goroutines of its instant, as the callback of
  // Go's time.AfterFunc does.
  void Fire(Runtime& runtime, Lock&) override {
    runtime.census().Fire(std::exchange(ticket_, 0));
    queued_ = true;
    runtime.Enqueue(*this);
  }
  bool Resume(Runtime&, Lock& lock) override {
    {
      Released released;
      queued_ = false;
      End(Error::kDeadlineExceeded, cause_of_deadline_, released);
      lock.unlock();
    }
    lock.lock();
    return false;
  }
  void Drop(Lock& lock) override {
    {
      Released released;
      Weigh(released);
      lock.unlock();
    }
    lock.lock();
  }

  void LastHandleGone() override {
    Released released;
    const Lock lock(runtime_.mutex());
    has_handle_ = false;
    Weigh(released);
  }

  bool IsHeard() const { return has_handle_ || callback_ || heard_children_ > 0; }
  bool IsHeld() const { return has_handle_ || pending() || queued_ || held_children_ > 0; }

  // Called when less hears or holds this node than before: that may be so for those above, too.
  void Weigh(Released& released) {
    for (ContextNode* node = this; node != nullptr; node = node->parent_) {
      ContextNode* const parent = node->parent_;
      const bool deaf = node->heard_ && !node->IsHeard();
      const bool loose = node->held_ && !node->IsHeld();
      if (deaf) {
        node->heard_ = false;
        if (node->ticket_ != 0) runtime_.census().Abandon(node->ticket_, runtime_.Now());
        if (parent != nullptr) --parent->heard_children_;
      }
      if (loose) {
        node->held_ = false;
        if (parent == nullptr) return node->Collect(released);
        --parent->held_children_;
      }
      if (!deaf && !loose) return;
    }
  }

  // Nothing holds any part of this tree.
  void Collect(Released& released) {
    TakeApart(
        [](ContextNode& node) {
          if (node.ticket_ != 0) node.runtime_.census().Collect(std::exchange(node.ticket_, 0));
        },
        released);
  }

  // Calls `part` for this node and all below, parents first, perhaps more than once; unlinks them,
  // and releases those that nothing holds any more. A loop, because a chain may be deep.
  template <typename Part>
  void TakeApart(const Part& part, Released& released) {
    for (ContextNode* node = this; node != nullptr;) {
      part(*node);
      if (node->first_child_ != nullptr) {
        node = node->first_child_;
        continue;
      }
      ContextNode* const parent = node == this ? nullptr : node->parent_;
      node->Leave();
      if (!node->IsHeld()) released.Add(*node);
      node = parent;
    }
  }

  void Join(ContextNode& parent) {
    parent_ = &parent;
    next_ = parent.first_child_;
    if (next_ != nullptr) next_->previous_ = this;
    parent.first_child_ = this;
    ++parent.heard_children_;
    ++parent.held_children_;
  }
  void Leave() {
    if (parent_ == nullptr) return;
    (previous_ != nullptr ? previous_->next_ : parent_->first_child_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    parent_->heard_children_ -= heard_;
    parent_->held_children_ -= held_;
    parent_ = next_ = previous_ = nullptr;
  }

  void PutBuffer(void*) override {}
  void TakeBuffer(void*) override {}
  void Hand(void*, void*) override {}

  const std::shared_ptr<Binding> values_;  // as Go's chain of contexts keeps them
  std::optional<Time> limit_;
  const std::exception_ptr cause_of_deadline_;
  std::exception_ptr cause_;
  const Ref<Callback> callback_;
  ContextNode* parent_ = nullptr;  // until either ends; null below a context that is never done
  ContextNode* first_child_ = nullptr;
  ContextNode* previous_ = nullptr;  // among its siblings
  ContextNode* next_ = nullptr;      // the same; or among the released
  std::uint32_t heard_children_ = 0;
  std::uint32_t held_children_ = 0;
  Census::Ticket ticket_ = 0;  // of its open record
  Error error_ = Error::kNone;
  bool has_handle_ = true;
  bool heard_ = true;  // among its parent's heard children; the same for held_
  bool held_ = true;
  bool queued_ = false;  // is in the run queue
};

Binding::~Binding() {
  std::shared_ptr<Binding> last = std::move(next);
  while (last != nullptr && last.use_count() == 1) last = std::exchange(last->next, nullptr);
}

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

std::string ToString(const std::exception_ptr& cause) {
  if (cause == nullptr) return "<nil>";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (const Error& error) {
    return std::string(ToString(error));
  } catch (...) {
    return "an exception without a text";
  }
}

Error Context::Err() const { return node_ ? ContextNode::Of(*this)->error() : Error::kNone; }
std::optional<Time> Context::Deadline() const {
  return node_ ? ContextNode::Of(*this)->limit() : std::nullopt;
}

std::exception_ptr Cause(const Context& ctx) {
  if (ctx.Done().IsNil()) return nullptr;
  const auto [error, cause] = ContextNode::Of(ctx)->ending();
  return cause == nullptr && error != Error::kNone ? std::make_exception_ptr(error) : cause;
}

void CancelFunc::operator()() const {
  if (node_) static_cast<ContextNode&>(*node_).Cancel(nullptr);
}
void CancelCauseFunc::operator()(std::exception_ptr cause) const {
  if (node_) static_cast<ContextNode&>(*node_).Cancel(cause);
}
bool StopFunc::operator()() const {
  return node_ && static_cast<ContextNode&>(*node_).Cancel(nullptr);
}

Context Background() { return {}; }
Context Todo() { return {}; }

Context WithoutCancel(const Context& parent) {
  Context ctx;
  ctx.values_ = parent.values_;
  return ctx;
}

Cancelable WithCancel(const Context& parent, std::source_location site) {
  return ContextNode::Handles<CancelFunc>(parent, {}, site);
}

CancelableCause WithCancelCause(const Context& parent, std::source_location site) {
  return ContextNode::Handles<CancelCauseFunc>(parent, {}, site);
}

Cancelable WithDeadline(const Context& parent, Time deadline, std::source_location site) {
  return WithDeadlineCause(parent, deadline, nullptr, site);
}

Cancelable WithDeadlineCause(const Context& parent, Time deadline, std::exception_ptr cause,
                             std::source_location site) {
  return ContextNode::Handles<CancelFunc>(
      parent, {.limit = deadline, .cause_of_deadline = std::move(cause)}, site);
}

Cancelable WithTimeout(const Context& parent, Duration delay, std::source_location site) {
  return WithTimeoutCause(parent, delay, nullptr, site);
}

Cancelable WithTimeoutCause(const Context& parent, Duration delay, std::exception_ptr cause,
                            std::source_location site) {
  const Time deadline = SaturatingAdd(Bubble::Current().Now(), delay);
  return WithDeadlineCause(parent, deadline, std::move(cause), site);
}

StopFunc AfterFunc(const Context& ctx, internal::Ref<internal::Callback> function,
                   std::source_location site) {
  return ContextNode::Register(ctx, std::move(function), site);
}

}  // namespace context
}  // namespace afterleak
