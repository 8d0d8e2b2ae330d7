#include <string>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

namespace {

const context::Key<std::string> key1, key2;

std::string Value(const context::Context& ctx, const context::Key<std::string>& key) {
  const std::string* value = ctx.Value(key);
  return value != nullptr ? *value : "none";
}

// The hours until a deadline.
int Hours(const context::Context& ctx) {
  return static_cast<int>(time::Until(*ctx.Deadline()) / 1h);
}

}  // namespace

const std::vector<Rule> context_rules = {
    {"Background is never done",
     [] {
       auto ctx = context::Background();
       return Say{ctx.Done().IsNil(), ctx.Err(), ctx.Deadline().has_value()};
     }},
    {"cancel: Err and Done before and after",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       const auto before = ctx.Err();
       const bool open = !Closed(ctx.Done());
       cancel();
       return Say{before, open, ctx.Err(), Closed(ctx.Done())};
     }},
    {"cancel twice",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       cancel();
       cancel();
       return Say{ctx.Err()};
     }},
    {"cancel from many goroutines at once",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       for (int i = 0; i < 10; ++i) Go(cancel);
       return Say{Arrives(ctx.Done()), ctx.Err()};
     }},
    {"Done is the same channel each time",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       return Say{ctx.Done() == ctx.Done()};
     }},
    {"a parent ends its child and grandchild before cancel returns",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       auto [grandchild, cancel_grandchild] = context::WithTimeout(child, 1h);
       Defer deferred_grandchild(cancel_grandchild);
       cancel();
       return Say{Closed(child.Done()), child.Err(), Closed(grandchild.Done()), grandchild.Err()};
     }},
    {"a child that ends leaves its parent alone",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       cancel_child();
       return Say{child.Err(), parent.Err(), Closed(parent.Done())};
     }},
    {"a child of which only Done is kept ends with its parent",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       RecvChan<Unit> done = [&top = parent] {
         auto [child, cancel_child] = context::WithCancel(top);
         auto [grandchild, cancel_grandchild] = context::WithCancel(child);
         return grandchild.Done();
       }();
       cancel();
       return Say{Closed(done)};
     }},
    {"a child of a parent that is cancelled",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [child, cancel_child] = context::WithTimeout(parent, 1h);
       Defer deferred_child(cancel_child);
       return Say{Closed(child.Done()), child.Err()};
     }},
    {"a child of a parent whose deadline is past",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 0s);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       return Say{child.Err()};
     }},
    {"a deadline of the past below a parent that is cancelled",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [child, cancel_child] = context::WithTimeout(parent, -kUnit);
       Defer deferred_child(cancel_child);
       return Say{child.Err()};
     }},
    {"WithTimeout: Err, and when",
     [] {
       const Time begin = time::Now();
       auto [ctx, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       Defer deferred(cancel);
       ctx.Done().Recv();
       return Say{Units(time::Since(begin)), ctx.Err()};
     }},
    {"WithDeadline: Err, and when",
     [] {
       const Time begin = time::Now();
       auto [ctx, cancel] = context::WithDeadline(context::Background(), begin + 2 * kUnit);
       Defer deferred(cancel);
       ctx.Done().Recv();
       return Say{Units(time::Since(begin)), ctx.Err()};
     }},
    {"a deadline of now or the past is done at return",
     [] {
       auto [now, cancel_now] = context::WithDeadline(context::Background(), time::Now());
       Defer deferred_now(cancel_now);
       auto [past, cancel_past] = context::WithTimeout(context::Background(), -kUnit);
       Defer deferred_past(cancel_past);
       return Say{Closed(now.Done()), now.Err(), Closed(past.Done()), past.Err()};
     }},
    {"cancel before the deadline: the first error stays",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       cancel();
       Pass(3);
       return Say{ctx.Err()};
     }},
    {"cancel after the deadline: the first error stays",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), kUnit);
       ctx.Done().Recv();
       cancel();
       return Say{ctx.Err()};
     }},
    {"a child inherits its parent's deadline",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       auto [later, cancel_later] = context::WithTimeout(child, 1h);
       Defer deferred_later(cancel_later);
       const auto limit = parent.Deadline();
       later.Done().Recv();
       return Say{child.Deadline() == limit, later.Deadline() == limit, later.Err()};
     }},
    {"a child with an earlier deadline ends first, and alone",
     [] {
       const Time begin = time::Now();
       auto [parent, cancel] = context::WithTimeout(context::Background(), 1h);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithTimeout(parent, 2 * kUnit);
       Defer deferred_child(cancel_child);
       child.Done().Recv();
       return Say{Units(time::Since(begin)), child.Err(), parent.Err()};
     }},
    {"a child of a parent that is cancelled before both deadlines",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 4 * kUnit);
       auto [child, cancel_child] = context::WithTimeout(parent, 2 * kUnit);
       Defer deferred_child(cancel_child);
       cancel();
       Pass(3);
       return Say{child.Err()};
     }},
    {"WithTimeout of the largest duration never comes",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), Duration::max());
       Defer deferred(cancel);
       Pass(2);
       return Say{ctx.Deadline().has_value(), ctx.Err()};
     }},
    {"a context not yet chosen is never done",
     [] {
       auto ctx = context::Todo();
       return Say{ctx.Done().IsNil(), ctx.Err(), ctx.Deadline().has_value()};
     }},
    {"the deadline of a child below a parent that is cancelled",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 4h);
       cancel();
       auto [own, cancel_own] = context::WithTimeout(parent, 1h);
       Defer deferred_own(cancel_own);
       auto [parents, cancel_parents] = context::WithTimeout(parent, 8h);
       Defer deferred_parents(cancel_parents);
       return Say{Hours(own), Hours(parents)};
     }},
    {"a context with a value: Done, Err and deadline are its parent's",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 1h);
       auto ctx = context::WithValue(parent, key1, "a");
       cancel();
       return Say{ctx.Done() == parent.Done(), ctx.Err(), Hours(ctx)};
     }},
    {"a value is found below, by its key, and not above",
     [] {
       auto top = context::WithValue(context::Background(), key1, "a");
       auto [middle, cancel] = context::WithCancel(top);
       Defer deferred(cancel);
       auto below = context::WithValue(middle, key2, "b");
       return Say{Value(below, key1), Value(below, key2), Value(middle, key2),
                  Value(context::Background(), key1)};
     }},
    {"the last value of a key hides those above",
     [] {
       auto top = context::WithValue(context::Background(), key1, "a");
       auto below = context::WithValue(top, key1, "b");
       return Say{Value(top, key1), Value(below, key1)};
     }},
};

}  // namespace afterleak::conformance
