#include <csignal>
#include <tuple>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

const std::vector<Rule> kept_rules = {
    {"a stopped timer", [] { return Kept([] { time::NewTimer(1h).Stop(); }); }},
    {"a deadline that was cancelled",
     [] {
       return Kept([] {
         auto [ctx, cancel] = context::WithTimeout(context::Background(), 1h);
         cancel();
       });
     }},
    {"a signal registration that was stopped",
     [] {
       return Kept([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Notify(c, {SIGUSR2});
         signal::Stop(c);
       });
     },
     In::kRealAndVirtual},
    {"After that nobody can hear", [] { return Kept([] { std::ignore = time::After(1h); }); }},
    {"a timer that nobody can hear or stop",
     [] { return Kept([] { std::ignore = time::NewTimer(1h); }); }},
    {"a ticker that nobody can hear or stop",
     [] { return Kept([] { std::ignore = time::NewTicker(1h); }); }},
    {"a callback that nobody can stop", [] { return Kept([] { time::AfterFunc(1h, [] {}); }); }},
    {"a deadline that nobody can cancel",
     [] { return Kept([] { std::ignore = context::WithTimeout(context::Background(), 1h); }); }},
    {"a signal registration that nobody can stop",
     [] {
       Defer deferred([] { signal::Reset({SIGUSR2}); });
       return Kept([] { signal::Notify(MakeChan<os::Signal>(1), {SIGUSR2}); });
     },
     In::kRealAndVirtual},
    {"a child that nobody can cancel, below a parent that lives",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       return Kept([&top = parent] { std::ignore = context::WithCancel(top); });
     }},
    {"a child that was cancelled, below a parent that lives",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       return Kept([&top = parent] {
         auto [child, cancel_child] = context::WithCancel(top);
         cancel_child();
       });
     }},
    {"a parent and its child that nobody can cancel",
     [] {
       return Kept([] {
         auto [parent, cancel] = context::WithCancel(context::Background());
         std::ignore = context::WithCancel(parent);
       });
     }},
};

}  // namespace afterleak::conformance
