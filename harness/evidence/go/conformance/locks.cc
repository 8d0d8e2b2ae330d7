#include <memory>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {
namespace {

auto Mutex() { return std::make_shared<sync::Mutex>(); }
auto RWMutex() { return std::make_shared<sync::RWMutex>(); }

}  // namespace

const std::vector<Rule> lock_rules = {
    {"Mutex: a second Lock blocks",
     [] {
       auto m = Mutex();
       m->Lock();
       return Blocks([=] { m->Lock(); });
     }},
    {"Mutex: TryLock of a free and of a locked one",
     [] {
       auto m = Mutex();
       const bool free = m->TryLock(), locked = m->TryLock();
       m->Unlock();
       return Say{free, locked, m->TryLock()};
     }},
    {"Mutex: another goroutine may unlock it",
     [] {
       auto m = Mutex();
       m->Lock();
       Start([=] { m->Unlock(); });
       return Say{m->TryLock()};
     }},
    {"Mutex: Unlock of an unlocked one", [] { return Fatal([] { Mutex()->Unlock(); }); }},
    {"Mutex: Unlock after Unlock",
     [] {
       return Fatal([] {
         auto m = Mutex();
         m->Lock();
         m->Unlock();
         m->Unlock();
       });
     }},
    {"Mutex: waiters come in their order",
     [] {
       auto m = Mutex();
       auto order = MakeChan<int>(3);
       m->Lock();
       for (int i = 1; i <= 3; ++i) Start([=] { m->Lock(), order.Send(i), m->Unlock(); });
       m->Unlock();
       Settle();
       return Say{Take(order), Take(order), Take(order)};
     }},
    {"Mutex: after Unlock it is free, though there is a waiter",
     [] {
       auto m = Mutex();
       m->Lock();
       Start([=] { m->Lock(); });
       m->Unlock();
       return Say{m->TryLock()};
     }},
    {"Mutex: a waiter that was woken in vain is handed the lock",
     [] {
       auto m = Mutex();
       m->Lock();
       Start([=] { m->Lock(); });
       m->Unlock();
       m->Lock();
       Settle();
       m->Unlock();
       return Say{m->TryLock()};
     }},
    {"Mutex: and so are those behind it, until nobody waits",
     [] {
       auto m = Mutex();
       m->Lock();
       for (int i = 0; i < 3; ++i) Start([=] { m->Lock(); });
       m->Unlock();
       m->Lock();
       Settle();
       m->Unlock();
       Settle();
       m->Unlock();
       const bool second = m->TryLock();
       Settle();
       m->Unlock();
       const bool third = m->TryLock();
       Settle();
       m->Unlock();
       return Say{second, third, m->TryLock()};
     }},
    {"Mutex: four goroutines lose nothing",
     [] {
       auto m = Mutex();
       auto count = std::make_shared<int>(0);
       auto done = MakeChan<bool>();
       for (int i = 0; i < 4; ++i) {
         Go([=] {
           for (int k = 0; k < 100; ++k) {
             m->Lock();
             ++*count;
             m->Unlock();
           }
           done.Send(true);
         });
       }
       for (int i = 0; i < 4; ++i) done.Recv();
       return Say{*count};
     }},
    {"RWMutex: readers read together",
     [] {
       auto m = RWMutex();
       m->RLock();
       return Blocks([=] { m->RLock(); });
     }},
    {"RWMutex: a writer waits for a reader",
     [] {
       auto m = RWMutex();
       m->RLock();
       return Blocks([=] { m->Lock(); });
     }},
    {"RWMutex: a reader waits for a writer",
     [] {
       auto m = RWMutex();
       m->Lock();
       return Blocks([=] { m->RLock(); });
     }},
    {"RWMutex: a writer waits for a writer",
     [] {
       auto m = RWMutex();
       m->Lock();
       return Blocks([=] { m->Lock(); });
     }},
    {"RWMutex: TryLock and TryRLock while one reads",
     [] {
       auto m = RWMutex();
       m->RLock();
       return Say{m->TryLock(), m->TryRLock()};
     }},
    {"RWMutex: TryLock and TryRLock while one writes",
     [] {
       auto m = RWMutex();
       m->Lock();
       return Say{m->TryLock(), m->TryRLock()};
     }},
    {"RWMutex: a writer that waits keeps new readers out",
     [] {
       auto m = RWMutex();
       m->RLock();
       Start([=] { m->Lock(); });
       return Say{m->TryRLock(), Blocks([=] { m->RLock(); })};
     }},
    {"RWMutex: the last reader lets the writer in",
     [] {
       auto m = RWMutex();
       auto written = MakeChan<bool>(1);
       m->RLock();
       m->RLock();
       Start([=] { m->Lock(), written.Send(true); });
       m->RUnlock();
       Settle();
       const bool first = Ready(written);
       m->RUnlock();
       return Say{first, Arrives(written)};
     }},
    {"RWMutex: readers that wait come before the next writer",
     [] {
       auto m = RWMutex();
       auto order = MakeChan<int>(3);
       m->Lock();
       Start([=] { m->Lock(), order.Send(3), m->Unlock(); });
       Start([=] { m->RLock(), order.Send(1), Settle(), m->RUnlock(); });
       Start([=] { m->RLock(), order.Send(1), Settle(), m->RUnlock(); });
       m->Unlock();
       return Say{Take(order), Take(order), Take(order)};
     }},
    {"RWMutex: Unlock of an unlocked one", [] { return Fatal([] { RWMutex()->Unlock(); }); }},
    {"RWMutex: Unlock while one reads",
     [] {
       return Fatal([] {
         auto m = RWMutex();
         m->RLock();
         m->Unlock();
       });
     }},
    {"RWMutex: RUnlock of an unlocked one", [] { return Fatal([] { RWMutex()->RUnlock(); }); }},
    {"RWMutex: RUnlock while one writes",
     [] {
       return Fatal([] {
         auto m = RWMutex();
         m->Lock();
         m->RUnlock();
       });
     }},
    {"RWMutex: its RLocker reads",
     [] {
       auto m = RWMutex();
       sync::Locker& reader = m->RLocker();
       reader.Lock();
       reader.Lock();
       const bool write = m->TryLock();
       reader.Unlock();
       reader.Unlock();
       return Say{write, m->TryLock()};
     }},
    {"deadlock: Mutex.Lock",
     [] {
       return Deadlocks([] {
         auto m = Mutex();
         m->Lock();
         m->Lock();
       });
     }},
    {"deadlock: RWMutex.Lock",
     [] {
       return Deadlocks([] {
         auto m = RWMutex();
         m->RLock();
         m->Lock();
       });
     }},
    {"deadlock: RWMutex.RLock",
     [] {
       return Deadlocks([] {
         auto m = RWMutex();
         m->Lock();
         m->RLock();
       });
     }},
};

}  // namespace afterleak::conformance
