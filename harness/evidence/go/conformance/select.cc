#include <string>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> select_rules = {
    {"select with nothing ready takes the default",
     [] {
       Chan<int> none;
       auto empty = MakeChan<int>();
       auto full = MakeChan<int>(1);
       full.Send(1);
       switch (Select({Recv(none), Send(none, 1), Recv(empty), Send(full, 2), Default()})) {
         case 0:
           return "receives from nil";
         case 1:
           return "sends to nil";
         case 2:
           return "receives";
         case 3:
           return "sends";
         default:
           return "default";
       }
     }},
    {"select with something ready does not take the default",
     [] {
       auto c = MakeChan<int>(1);
       int defaults = 0;
       for (int i = 0; i < 1000; ++i) {
         defaults += Select({Send(c, i), Default()});
         defaults += Select({Recv(c), Default()});
       }
       return Say{defaults};
     }},
    {"select chooses evenly among receives that are ready",
     [] {
       auto a = MakeChan<int>(), b = MakeChan<int>();
       a.Close();
       b.Close();
       return Fairness([=] { return Select({Recv(a), Recv(b)}); });
     }},
    {"select chooses evenly between a receive and a send",
     [] {
       return Fairness([] {
         auto a = MakeChan<int>(1), b = MakeChan<int>(1);
         a.Send(1);
         return Select({Recv(a), Send(b, 1)});
       });
     }},
    {"select chooses evenly between two sends to one channel",
     [] {
       auto c = MakeChan<int>(1);
       return Fairness([=] {
         Select({Send(c, 0), Send(c, 1)});
         return *c.Recv();
       });
     }},
    {"select chooses evenly when one channel stands in both cases",
     [] {
       auto c = MakeChan<int>();
       c.Close();
       return Fairness([=] { return Select({Recv(c), Recv(c)}); });
     }},
    {"select with one channel twice: a value wakes one case",
     [] {
       auto c = MakeChan<int>();
       auto done = MakeChan<std::string>(1);
       Start([=] {
         int value = 0;
         Select({Recv(c, &value), Recv(c, &value)});
         done.Send(Say{value});
       });
       return Say{Fill(c, {7, 8}), *done.Recv()};
     }},
    {"select leaves nothing in the queues of the cases that lost",
     [] {
       auto a = MakeChan<int>(), b = MakeChan<int>();
       auto done = MakeChan<bool>(1);
       Start([=] {
         Select({Recv(a), Recv(b)});
         done.Send(true);
       });
       b.Send(1);
       done.Recv();
       return Say{Fill(a, {1}), Fill(b, {1})};
     }},
    {"select that lost does not disturb the receivers behind it",
     [] {
       auto a = MakeChan<int>(), b = MakeChan<int>();
       auto got = MakeChan<std::string>(2);
       Start([=] { Select({Recv(a), Recv(b)}); });
       Start([=] { got.Send(Say{"a", Take(a)}); });
       b.Send(1);
       Settle();
       return Say{Fill(a, {5, 6}), *got.Recv()};
     }},
    {"select: what becomes ready first wins",
     [] {
       auto a = MakeChan<int>(), b = MakeChan<int>();
       auto won = MakeChan<std::string>(1);
       Start([=] { won.Send(Select({Recv(a), Recv(b)}) == 0 ? "a" : "b"); });
       Fill(b, {1});
       Fill(a, {1});
       return *won.Recv();
     }},
    {"select with a send and a receive of one unbuffered channel blocks",
     [] {
       auto c = MakeChan<int>();
       return Blocks([=] { Select({Send(c, 1), Recv(c)}); });
     }},
    {"select with a send and a receive of one buffered channel: by turns",
     [] {
       auto c = MakeChan<int>(1);
       std::string turns;
       for (int i = 0; i < 4; ++i) turns += Select({Send(c, 1), Recv(c)}) == 0 ? "s" : "r";
       return turns;
     }},
    {"two selects with a send and a receive of one channel meet",
     [] {
       for (const std::size_t capacity : {0u, 10u}) {
         auto c = MakeChan<int>(capacity);
         int own = 0;
         auto both = MakeChan<Unit>(2);
         for (int p = 0; p < 2; ++p) {
           Go([=, &own] {
             for (int i = 0; i < 500; ++i) {
               int value = -1;
               if (p == 0 || i % 2 == 0) {
                 Select({Send(c, p), Recv(c, &value)});
               } else {
                 Select({Recv(c, &value), Send(c, p)});
               }
               if (capacity == 0 && value == p) ++own;
             }
             both.Send({});
           });
         }
         both.Recv();
         both.Recv();
         if (own > 0) return "received from itself";
       }
       return "never from itself";
     }},
    {"select evaluates channels and values once, in order, chosen or not",
     [] {
       auto a = MakeChan<int>(), b = MakeChan<int>(1);
       std::string trace;
       const auto channel = [&](const char* name, const Chan<int>& c) {
         trace += name;
         return c;
       };
       int values = 0;  // C++ does not say which of a Send's two arguments comes first
       const auto value = [&] { return ++values; };
       Select({Recv(channel("a", a)), Send(channel("b", b), value()),
               Send(channel("n", {}), value())});
       return Say{trace, values};
     }},
    {"select receives zero and false from a closed channel, again and again",
     [] {
       auto c = MakeChan<int>();
       c.Close();
       Say seen;
       for (int i = 0; i < 2; ++i) {
         int value = 7;
         bool ok = true;
         Select({Recv(c, &value, &ok)});
         seen = i == 0 ? Say{value, ok} : Say{seen, value, ok};
       }
       return seen;
     }},
    {"select: a ready case beside one on a nil channel",
     [] {
       Chan<int> none;
       auto c = MakeChan<int>(1);
       return Select({Send(none, 1), Send(c, 1)}) == 0 ? "nil" : "the ready one";
     }},
};

}  // namespace afterleak::conformance
