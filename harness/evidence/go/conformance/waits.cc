#include <memory>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {
namespace {

auto WaitGroup() { return std::make_shared<sync::WaitGroup>(); }
auto Once() { return std::make_shared<sync::Once>(); }

struct Condition {
  sync::Mutex m;
  sync::Cond cond{m};
};
auto Cond() { return std::make_shared<Condition>(); }

}  // namespace

const std::vector<Rule> wait_rules = {
    {"WaitGroup: at zero nobody waits",
     [] {
       auto group = WaitGroup();
       return Blocks([=] { group->Wait(); });
     }},
    {"WaitGroup: Wait blocks until the last one is done",
     [] {
       auto group = WaitGroup();
       group->Add(2);
       auto waited = MakeChan<bool>(1);
       Start([=] { group->Wait(), waited.Send(true); });
       group->Done();
       Settle();
       const bool first = Ready(waited);
       group->Done();
       return Say{first, Arrives(waited)};
     }},
    {"WaitGroup: all that wait go on",
     [] {
       auto group = WaitGroup();
       group->Add(1);
       auto waited = MakeChan<bool>(3);
       for (int i = 0; i < 3; ++i) Start([=] { group->Wait(), waited.Send(true); });
       group->Done();
       Settle();
       return Say{Count(waited)};
     }},
    {"WaitGroup: again, after Wait has returned",
     [] {
       auto group = WaitGroup();
       for (int i = 0; i < 3; ++i) {
         group->Add(1);
         Go([=] { group->Done(); });
         group->Wait();
       }
       group->Add(1);
       return Blocks([=] { group->Wait(); });
     }},
    {"WaitGroup: again, before Wait has returned",
     [] {
       auto group = WaitGroup();
       group->Add(1);
       return PanicsWhenWoken([=] { group->Wait(); }, [=] { group->Done(), group->Add(1); });
     }},
    {"WaitGroup: a negative counter",
     [] {
       auto group = WaitGroup();
       group->Add(1);
       group->Done();
       return Panics([=] { group->Done(); });
     }},
    {"WaitGroup: a negative counter stays",
     [] {
       auto group = WaitGroup();
       Panics([=] { group->Done(); });
       const auto below = Panics([=] { group->Add(-1); });
       group->Add(2);
       return Say{below, Blocks([=] { group->Wait(); })};
     }},
    {"WaitGroup: two tasks have run when Wait returns",
     [] {
       auto group = WaitGroup();
       auto n = MakeChan<int>(2);
       for (int i = 0; i < 2; ++i) {
         group->Add(1);
         Go([=] { n.Send(1), group->Done(); });
       }
       group->Wait();
       return Say{Count(n)};
     }},
    {"Once: does it once, whatever it is given",
     [] {
       auto once = Once();
       int n = 0;
       for (int i = 0; i < 3; ++i) once->Do([&] { ++n; });
       once->Do([&] { n += 10; });
       return Say{n};
     }},
    {"Once: others wait until it is done",
     [] {
       auto once = Once();
       auto end = MakeChan<bool>();
       const auto does = [=] { once->Do([] {}); };
       Start([=] { once->Do([=] { end.Recv(); }); });
       const auto during = Blocks(does);
       end.Send(true);
       Settle();
       return Say{during, Blocks(does)};
     }},
    {"Once: an action that panics counts as done",
     [] {
       auto once = Once();
       int n = 0;
       const auto first = Panics([=] { once->Do([] { throw Panic("boom"); }); });
       once->Do([&] { ++n; });
       return Say{first, n};
     }},
    {"Once: within itself it waits for itself",
     [] {
       auto once = Once();
       return Blocks([=] { once->Do([=] { once->Do([] {}); }); });
     }},
    {"Cond: Signal wakes one, in order",
     [] {
       auto c = Cond();
       auto order = MakeChan<int>(3);
       for (int i = 1; i <= 3; ++i)
         Start([=] { c->m.Lock(), c->cond.Wait(), order.Send(i), c->m.Unlock(); });
       c->cond.Signal();
       Settle();
       const int first = Count(order);
       c->cond.Signal();
       Settle();
       const auto second = Take(order);
       c->cond.Signal();
       Settle();
       return Say{first, second, Take(order)};
     }},
    {"Cond: Broadcast wakes all",
     [] {
       auto c = Cond();
       auto awake = MakeChan<bool>(3);
       for (int i = 0; i < 3; ++i)
         Start([=] { c->m.Lock(), c->cond.Wait(), awake.Send(true), c->m.Unlock(); });
       const int before = Count(awake);
       c->cond.Broadcast();
       Settle();
       return Say{before, Count(awake)};
     }},
    {"Cond: nothing is kept for those that wait later",
     [] {
       auto c = Cond();
       c->cond.Signal();
       c->cond.Broadcast();
       c->m.Lock();
       return Blocks([=] { c->cond.Wait(); });
     }},
    {"Cond: the lock is free while one waits",
     [] {
       auto c = Cond();
       Start([=] { c->m.Lock(), c->cond.Wait(); });
       return Say{c->m.TryLock()};
     }},
    {"Cond: who is woken waits for the lock",
     [] {
       auto c = Cond();
       auto awake = MakeChan<bool>(1);
       Start([=] { c->m.Lock(), c->cond.Wait(), awake.Send(true); });
       c->m.Lock();
       c->cond.Signal();
       Settle();
       const bool held = Ready(awake);
       c->m.Unlock();
       return Say{held, Arrives(awake), c->m.TryLock()};
     }},
    {"Cond: a signal is not stolen by one that waits later",
     [] {
       auto c = Cond();
       auto order = MakeChan<int>(2);
       const auto wait = [=](int i) {
         return [=] { c->m.Lock(), c->cond.Wait(), order.Send(i), c->m.Unlock(); };
       };
       Start(wait(1));
       c->m.Lock();
       c->cond.Signal();
       Go(wait(2));
       c->m.Unlock();
       Settle();
       const auto first = Take(order);
       return Say{first, Count(order)};
     }},
    {"Cond: with an RLocker",
     [] {
       struct Reading {
         sync::RWMutex m;
         sync::Cond cond{m.RLocker()};
       };
       auto c = std::make_shared<Reading>();
       auto awake = MakeChan<bool>(2);
       for (int i = 0; i < 2; ++i) Start([=] { c->m.RLock(), c->cond.Wait(), awake.Send(true); });
       c->m.Lock();
       c->cond.Broadcast();
       Settle();
       const int held = Count(awake);
       c->m.Unlock();
       Settle();
       return Say{held, Count(awake)};
     }},
    {"Cond: Wait without the lock", [] { return Fatal([] { Cond()->cond.Wait(); }); }},
    {"deadlock: WaitGroup.Wait",
     [] {
       return Deadlocks([] {
         auto group = WaitGroup();
         group->Add(1);
         group->Wait();
       });
     }},
    {"deadlock: Cond.Wait",
     [] {
       return Deadlocks([] {
         auto c = Cond();
         c->m.Lock();
         c->cond.Wait();
       });
     }},
};

}  // namespace afterleak::conformance
