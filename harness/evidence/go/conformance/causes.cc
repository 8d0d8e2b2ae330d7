#include <exception>
#include <stdexcept>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

namespace {

const std::exception_ptr lost = std::make_exception_ptr(std::runtime_error("lost"));
const std::exception_ptr shutdown = std::make_exception_ptr(std::runtime_error("shutdown"));

std::string CauseOf(const context::Context& ctx) { return context::ToString(context::Cause(ctx)); }

}  // namespace

const std::vector<Rule> cause_rules = {
    {"cause: of what is not done, and of the background",
     [] {
       auto [ctx, cancel] = context::WithCancelCause(context::Background());
       Defer deferred([&end = cancel] { end(nullptr); });
       return Say{CauseOf(ctx), CauseOf(context::Background())};
     }},
    {"cause: what cancel gave, and Err",
     [] {
       auto [ctx, cancel] = context::WithCancelCause(context::Background());
       cancel(lost);
       return Say{CauseOf(ctx), ctx.Err()};
     }},
    {"cause: without one it is Err",
     [] {
       auto [ctx, cancel] = context::WithCancelCause(context::Background());
       cancel(nullptr);
       auto [plain, cancel_plain] = context::WithCancel(context::Background());
       cancel_plain();
       auto [late, cancel_late] = context::WithTimeout(context::Background(), 0s);
       Defer deferred_late(cancel_late);
       return Say{CauseOf(ctx), CauseOf(plain), CauseOf(late)};
     }},
    {"cause: the first one stays",
     [] {
       auto [ctx, cancel] = context::WithCancelCause(context::Background());
       cancel(lost);
       cancel(shutdown);
       return Say{CauseOf(ctx)};
     }},
    {"cause: a parent that is cancelled first gives its own",
     [] {
       auto [parent, cancel] = context::WithCancelCause(context::Background());
       auto [child, cancel_child] = context::WithCancelCause(parent);
       cancel(shutdown);
       cancel_child(lost);
       return Say{CauseOf(parent), CauseOf(child)};
     }},
    {"cause: a child that is cancelled first keeps its own",
     [] {
       auto [parent, cancel] = context::WithCancelCause(context::Background());
       auto [child, cancel_child] = context::WithCancelCause(parent);
       cancel_child(lost);
       cancel(shutdown);
       return Say{CauseOf(parent), CauseOf(child)};
     }},
    {"cause: a child of a parent that is done",
     [] {
       auto [parent, cancel] = context::WithCancelCause(context::Background());
       cancel(lost);
       auto [child, cancel_child] = context::WithTimeout(parent, 1h);
       Defer deferred_child(cancel_child);
       return Say{CauseOf(child), child.Err()};
     }},
    {"cause: of a deadline that comes",
     [] {
       auto [ctx, cancel] = context::WithTimeoutCause(context::Background(), kUnit, lost);
       Defer deferred(cancel);
       ctx.Done().Recv();
       return Say{CauseOf(ctx), ctx.Err()};
     }},
    {"cause: of a deadline that has passed",
     [] {
       auto [ctx, cancel] = context::WithTimeoutCause(context::Background(), -kUnit, lost);
       Defer deferred(cancel);
       return Say{CauseOf(ctx), ctx.Err()};
     }},
    {"cause: cancel does not set that of the deadline",
     [] {
       auto [ctx, cancel] = context::WithTimeoutCause(context::Background(), kUnit, lost);
       cancel();
       Pass(2);
       return Say{CauseOf(ctx), ctx.Err()};
     }},
    {"WithoutCancel: never done, no deadline, no cause",
     [] {
       auto [parent, cancel] = context::WithCancelCause(context::Background());
       auto ctx = context::WithoutCancel(parent);
       cancel(lost);
       return Say{ctx.Done().IsNil(), ctx.Err(), ctx.Deadline().has_value(), CauseOf(ctx)};
     }},
    {"WithoutCancel: a child below it",
     [] {
       auto [parent, cancel] = context::WithCancelCause(context::Background());
       auto [child, cancel_child] = context::WithCancelCause(context::WithoutCancel(parent));
       cancel(lost);
       const auto before = child.Err();
       cancel_child(shutdown);
       return Say{before, CauseOf(child)};
     }},
    {"context AfterFunc: runs after cancel",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       auto ran = MakeChan<int>(1);
       auto stop = context::AfterFunc(ctx, [ran] { ran.Send(1); });
       Settle();
       const auto before = ran.Len();
       cancel();
       return Say{before, Arrives(ran), stop()};
     }},
    {"context AfterFunc: runs after the deadline",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), kUnit);
       Defer deferred(cancel);
       auto ran = MakeChan<int>(1);
       context::AfterFunc(ctx, [ran] { ran.Send(1); });
       return Say{Arrives(ran)};
     }},
    {"context AfterFunc: at once if it is done",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       cancel();
       auto ran = MakeChan<int>(1);
       auto stop = context::AfterFunc(ctx, [ran] { ran.Send(1); });
       return Say{Arrives(ran), stop()};
     }},
    {"context AfterFunc: not after stop",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       auto ran = MakeChan<int>(1);
       auto stop = context::AfterFunc(ctx, [ran] { ran.Send(1); });
       const bool first = stop();
       const bool second = stop();
       cancel();
       Settle();
       return Say{first, second, ran.Len()};
     }},
    {"context AfterFunc: two of one context are independent",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       auto a = MakeChan<int>(1), b = MakeChan<int>(1);
       auto stop = context::AfterFunc(ctx, [a] { a.Send(1); });
       context::AfterFunc(ctx, [b] { b.Send(1); });
       stop();
       cancel();
       const bool arrived = Arrives(b);
       return Say{arrived, a.Len()};
     }},
    {"context AfterFunc: cancel does not wait for it",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       auto gate = MakeChan<int>(), ran = MakeChan<int>(1);
       context::AfterFunc(ctx, [=] { ran.Send(gate.Recv().value()); });
       cancel();
       gate.Send(1);
       return Say{Arrives(ran)};
     }},
    {"context AfterFunc: of the background never, and stop says so",
     [] {
       auto stop = context::AfterFunc(context::Background(), [] {});
       const bool first = stop();
       return Say{first, stop()};
     }},
};

}  // namespace afterleak::conformance
