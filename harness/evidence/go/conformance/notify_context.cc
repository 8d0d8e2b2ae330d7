#include <csignal>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> notify_context_rules = {
    {"NotifyContext: a signal cancels",
     [] {
       auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGUSR1});
       Defer deferred(stop);
       const auto before = ctx.Err();
       Raise(SIGUSR1);
       return Say{before, Arrives(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: further signals do nothing until stop",
     [] {
       return Child([] {
         auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGTERM});
         Defer deferred(stop);
         Raise(SIGTERM);
         Raise(SIGTERM);
         return Say{"survives", ctx.Err()};
       });
     },
     In::kReal},
    {"NotifyContext: stop cancels",
     [] {
       auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGUSR1});
       stop();
       stop();
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: stop brings the default action back",
     [] {
       return Child([] {
         auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGHUP});
         stop();
         Raise(SIGHUP);
         return "survives";
       });
     },
     In::kReal},
    {"NotifyContext: its parent cancels it",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred(stop);
       cancel();
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: a parent that is cancelled already",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred(stop);
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: a parent whose deadline comes",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), kUnit);
       Defer deferred(cancel);
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred_stop(stop);
       ctx.Done().Recv();
       return Say{ctx.Err()};
     },
     In::kRealAndVirtual},
};

}  // namespace afterleak::conformance
