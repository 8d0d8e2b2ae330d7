#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> deadlock_rules = {
    {"deadlock: a receive", [] { return Deadlocks([] { MakeChan<int>().Recv(); }); }},
    {"deadlock: a send", [] { return Deadlocks([] { MakeChan<int>().Send(1); }); }},
    {"deadlock: a receive from nil", [] { return Deadlocks([] { Chan<int>().Recv(); }); }},
    {"deadlock: a send to nil", [] { return Deadlocks([] { Chan<int>().Send(1); }); }},
    {"deadlock: a select without cases", [] { return Deadlocks([] { Select({}); }); }},
    {"deadlock: a select",
     [] {
       return Deadlocks([] {
         auto a = MakeChan<int>(), b = MakeChan<int>();
         Select({Recv(a), Recv(b)});
       });
     }},
    {"deadlock: a stopped timer",
     [] {
       return Deadlocks([] {
         auto timer = time::NewTimer(kUnit);
         timer.Stop();
         timer.C().Recv();
       });
     }},
    {"no deadlock: a pending callback can still come",
     [] {
       return Deadlocks([] {
         auto c = MakeChan<int>();
         time::AfterFunc(kUnit, [=] { c.Send(1); });
         c.Recv();
       });
     }},
    {"no deadlock: a deadline can still come",
     [] {
       return Deadlocks([] {
         auto [ctx, cancel] = context::WithTimeout(context::Background(), kUnit);
         Defer deferred(cancel);
         ctx.Done().Recv();
       });
     }},
};

}  // namespace afterleak::conformance
