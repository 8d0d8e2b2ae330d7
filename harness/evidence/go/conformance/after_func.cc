#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

const std::vector<Rule> after_func_rules = {
    {"AfterFunc has no channel", [] { return Say{time::AfterFunc(kUnit, [] {}).C().IsNil()}; }},
    {"AfterFunc runs once, after its delay",
     [] {
       const Time begin = time::Now();
       auto ran = MakeChan<int>(2);
       time::AfterFunc(2 * kUnit, [=] { ran.Send(Units(time::Since(begin))); });
       Pass(5);
       return Say{*ran.Recv(), Ready(ran)};
     }},
    {"AfterFunc arms itself again and again",
     [] {
       const Time begin = time::Now();
       int turns = 0;
       auto over = MakeChan<int>(1);
       std::function<void()> again = [&] {
         if (++turns < 3) {
           time::AfterFunc(kUnit, again);
         } else {
           over.Send(Units(time::Since(begin)));
         }
       };
       time::AfterFunc(kUnit, again);
       return Say{*over.Recv()};
     }},
    {"AfterFunc(0) and less run at once",
     [] {
       auto ran = MakeChan<int>(2);
       time::AfterFunc(0s, [=] { ran.Send(0); });
       time::AfterFunc(-kUnit, [=] { ran.Send(0); });
       return Say{Arrives(ran), Arrives(ran)};
     }},
    {"AfterFunc of the largest duration never runs, and can be stopped",
     [] {
       auto ran = MakeChan<int>(1);
       auto timer = time::AfterFunc(Duration::max(), [=] { ran.Send(0); });
       Pass(2);
       return Say{Ready(ran), timer.Stop()};
     }},
    {"AfterFunc: Stop before it runs, then again",
     [] {
       auto ran = MakeChan<int>(1);
       auto timer = time::AfterFunc(2 * kUnit, [=] { ran.Send(0); });
       const bool first = timer.Stop(), second = timer.Stop();
       Pass(4);
       return Say{first, second, Ready(ran)};
     }},
    {"AfterFunc: Stop after it ran",
     [] {
       auto ran = MakeChan<int>(1);
       auto timer = time::AfterFunc(kUnit, [=] { ran.Send(0); });
       ran.Recv();
       return Say{timer.Stop()};
     }},
    {"AfterFunc: Stop in the callback",
     [] {
       time::Timer timer;
       auto told = MakeChan<bool>(1);
       timer = time::AfterFunc(kUnit, [&] { told.Send(timer.Stop()); });
       return Say{*told.Recv()};
     }},
    {"AfterFunc: Stop does not wait for a callback that runs",
     [] {
       auto begun = MakeChan<int>(), release = MakeChan<int>();
       auto timer = time::AfterFunc(kUnit, [=] { begun.Send(0), release.Recv(); });
       begun.Recv();
       const bool stopped = timer.Stop();
       release.Close();
       return Say{stopped};
     }},
    {"AfterFunc: Reset before it runs",
     [] {
       const Time begin = time::Now();
       auto ran = MakeChan<int>(2);
       auto timer = time::AfterFunc(2 * kUnit, [=] { ran.Send(Units(time::Since(begin))); });
       const bool active = timer.Reset(4 * kUnit);
       Pass(7);
       return Say{active, *ran.Recv(), Ready(ran)};
     }},
    {"AfterFunc: Reset after it ran has it run again",
     [] {
       auto ran = MakeChan<int>(2);
       auto timer = time::AfterFunc(kUnit, [=] { ran.Send(0); });
       ran.Recv();
       const bool active = timer.Reset(kUnit);
       return Say{active, Arrives(ran)};
     }},
    {"AfterFunc: Reset in the callback, whose runs may overlap",
     [] {
       time::Timer timer;
       auto told = MakeChan<bool>(2);
       int running = 0, most = 0;
       int turn = 0;
       timer = time::AfterFunc(kUnit, [&] {
         most = std::max(most, ++running);
         if (++turn == 1) told.Send(timer.Reset(kUnit));
         Pass(3);
         --running;
       });
       const bool active = *told.Recv();
       Pass(6);
       return Say{active, most};
     }},
    {"AfterFunc: a callback that blocks holds up no other",
     [] {
       auto ran = MakeChan<int>(1);
       time::AfterFunc(kUnit, [] { Select({}); });
       time::AfterFunc(2 * kUnit, [=] { ran.Send(0); });
       return Say{Arrives(ran)};
     }},
    {"AfterFunc(0) runs while its maker yields",
     [] {
       int ran = 0;
       time::AfterFunc(0s, [&ran] { ran = 1; });
       const int before = ran;
       for (int i = 0; i < 100'000 && ran == 0; ++i) Gosched();
       return Say{before, ran};
     }},
};

}  // namespace afterleak::conformance
