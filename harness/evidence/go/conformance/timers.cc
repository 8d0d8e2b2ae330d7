#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

const std::vector<Rule> timer_rules = {
    {"a timer: len and cap before it expires",
     [] { return Sizes(time::NewTimer(10 * kUnit).C()); }},
    {"a timer: len and cap when it has expired, unread",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       return Sizes(timer.C());
     }},
    {"a timer fires once, after its delay",
     [] {
       const Time begin = time::Now();
       auto timer = time::NewTimer(2 * kUnit);
       const Time stamp = *timer.C().Recv();
       Pass(3);
       return Say{Units(stamp - begin), Ready(timer.C())};
     }},
    {"a timer that is read late tells when it expired",
     [] {
       const Time begin = time::Now();
       auto timer = time::NewTimer(kUnit);
       Pass(4);
       return Say{Units(*timer.C().Recv() - begin)};
     }},
    {"After tells the time of expiry",
     [] {
       const Time begin = time::Now();
       return Say{Units(*time::After(2 * kUnit).Recv() - begin)};
     }},
    {"timers fire by deadline, not by order of arming",
     [] {
       auto order = MakeChan<int>(4);
       for (const int delay : {3, 1, 4, 2})
         time::AfterFunc(2 * delay * kUnit, [=] { order.Send(delay); });
       return Say{*order.Recv(), *order.Recv(), *order.Recv(), *order.Recv()};
     }},
    {"Stop of an active timer, then again",
     [] {
       auto timer = time::NewTimer(10 * kUnit);
       return Say{timer.Stop(), timer.Stop()};
     }},
    {"a stopped timer does not fire",
     [] {
       auto timer = time::NewTimer(kUnit);
       timer.Stop();
       Pass(3);
       return Say{Ready(timer.C())};
     }},
    {"Stop does not close the channel",
     [] {
       auto timer = time::NewTimer(10 * kUnit);
       timer.Stop();
       return Blocks([=] { timer.C().Recv(); });
     }},
    {"Stop of a timer that was received",
     [] {
       auto timer = time::NewTimer(kUnit);
       timer.C().Recv();
       return Say{timer.Stop()};
     }},
    {"Stop of an expired, unread timer",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       return Say{timer.Stop()};
     }},
    {"Stop of an expired, unread timer: the stale value can be read",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       timer.Stop();
       return Say{Ready(timer.C())};
     }},
    {"Stop of a timer that a receiver waits for leaves it waiting",
     [] {
       auto timer = time::NewTimer(2 * kUnit);
       auto got = MakeChan<bool>(1);
       Start([=] { timer.C().Recv(), got.Send(true); });
       const bool stopped = timer.Stop();
       Pass(3);
       return Say{stopped, Ready(got)};
     }},
    {"Stop after a receiver that waited got the value",
     [] {
       auto timer = time::NewTimer(2 * kUnit);
       auto got = MakeChan<bool>(1);
       Start([=] { timer.C().Recv(), got.Send(true); });
       got.Recv();
       return Say{timer.Stop()};
     }},
    {"Reset of an active timer moves its deadline",
     [] {
       const Time begin = time::Now();
       auto timer = time::NewTimer(2 * kUnit);
       Pass(1);
       const bool active = timer.Reset(4 * kUnit);
       return Say{active, Units(*timer.C().Recv() - begin), Ready(timer.C())};
     }},
    {"Reset to an earlier deadline",
     [] {
       const Time begin = time::Now();
       auto timer = time::NewTimer(1000 * kUnit);
       const bool active = timer.Reset(2 * kUnit);
       return Say{active, Units(*timer.C().Recv() - begin)};
     }},
    {"Reset of a stopped timer arms it",
     [] {
       auto timer = time::NewTimer(kUnit);
       timer.Stop();
       const bool active = timer.Reset(kUnit);
       return Say{active, Arrives(timer.C())};
     }},
    {"Reset of a timer that was received arms it",
     [] {
       auto timer = time::NewTimer(kUnit);
       timer.C().Recv();
       const bool active = timer.Reset(kUnit);
       return Say{active, Arrives(timer.C())};
     }},
    {"Reset of an expired, unread timer",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       return Say{timer.Reset(10 * kUnit)};
     }},
    {"Reset of an expired, unread timer: the stale value can be read",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       timer.Reset(10 * kUnit);
       return Say{Ready(timer.C())};
     }},
    {"Reset of an expired, unread timer: values in all",
     [] {
       auto timer = time::NewTimer(kUnit);
       Pass(2);
       timer.Reset(kUnit);
       Pass(2);
       return Say{Count(timer.C())};
     }},
    {"Reset while a receiver waits: it gets the new time",
     [] {
       const Time begin = time::Now();
       auto timer = time::NewTimer(2 * kUnit);
       auto got = MakeChan<int>(1);
       Start([=] { got.Send(Units(*timer.C().Recv() - begin)); });
       timer.Reset(4 * kUnit);
       return Say{*got.Recv()};
     }},
    {"two receivers of one timer: one gets the value",
     [] {
       auto timer = time::NewTimer(2 * kUnit);
       auto got = MakeChan<bool>(2);
       for (int i = 0; i < 2; ++i) Go([=] { timer.C().Recv(), got.Send(true); });
       Pass(4);
       return Say{Count(got)};
     }},
    {"two receivers of one timer: Reset wakes the second",
     [] {
       auto timer = time::NewTimer(2 * kUnit);
       auto got = MakeChan<bool>(2);
       for (int i = 0; i < 2; ++i) Go([=] { timer.C().Recv(), got.Send(true); });
       got.Recv();
       const bool active = timer.Reset(kUnit);
       return Say{active, Arrives(got)};
     }},
    {"a select hears a message before a timer, and the timer stays",
     [] {
       auto timer = time::NewTimer(2 * kUnit);
       auto messages = MakeChan<int>(1);
       messages.Send(1);
       if (Select({Recv(messages), Recv(timer.C())}) == 1) return Say{"the timer"};
       return Say{"the message, then the timer", Arrives(timer.C())};
     }},
    {"After(0) and After of less are due at once",
     [] { return Say{Arrives(time::After(0s)), Arrives(time::After(-kUnit))}; }},
    {"NewTimer(0): Stop after it was due",
     [] {
       auto timer = time::NewTimer(0s);
       Settle();
       return Say{timer.Stop(), Ready(timer.C())};
     }},
    {"Reset(0) is due at once",
     [] {
       auto timer = time::NewTimer(10 * kUnit);
       const bool active = timer.Reset(0s);
       return Say{active, Arrives(timer.C())};
     }},
    {"the largest duration never comes, and can be stopped",
     [] {
       auto timer = time::NewTimer(Duration::max());
       Pass(2);
       return Say{Ready(timer.C()), timer.Stop()};
     }},
    {"the smallest duration is due at once",
     [] { return Say{Arrives(time::After(Duration::min()))}; }},
    {"Reset to the largest duration and back",
     [] {
       auto timer = time::NewTimer(kUnit);
       const bool there = timer.Reset(Duration::max());
       Pass(2);
       const bool fired = Ready(timer.C());
       const bool back = timer.Reset(kUnit);
       return Say{there, fired, back, Arrives(timer.C())};
     }},
    {"Sleep of zero or less returns at once",
     [] {
       const Time begin = time::Now();
       time::Sleep(0s);
       time::Sleep(-10 * kUnit);
       return Say{Units(time::Since(begin))};
     }},
    {"Sleep takes at least as long as it says",
     [] {
       const Time begin = time::Now();
       time::Sleep(3 * kUnit);
       return Say{time::Since(begin) >= 3 * kUnit, Units(time::Since(begin))};
     }},
    {"Stop of a timer that nobody made panics",
     [] {
       time::Timer timer;
       return Panics([=] { timer.Stop(); });
     }},
    {"Reset of a timer that nobody made panics",
     [] {
       time::Timer timer;
       return Panics([=] { timer.Reset(kUnit); });
     }},
    {"Stop and arm by turns, while callbacks run: no callback comes after Stop said true",
     [] {
       int late = 0;
       for (int i = 0; i < 100; ++i) {
         bool stopped = false;
         auto timer = time::AfterFunc(kUnit, [&late, &stopped] { late += stopped; });
         if (timer.Stop()) stopped = true;
       }
       Pass(3);
       return Say{late};
     }},
    {"NewTimer(0): received at once, or after a yield",
     [] {
       auto timer = time::NewTimer(0s);
       const bool before = Ready(timer.C());
       bool received = before;
       for (int i = 0; i < 100'000 && !received; ++i) {
         Gosched();
         received = Ready(timer.C());
       }
       return Say{before, received};
     }},
};

}  // namespace afterleak::conformance
