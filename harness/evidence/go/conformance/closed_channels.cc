#include <string>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> closed_channel_rules = {
    {"a closed channel drains, then yields zero and false",
     [] {
       auto c = MakeChan<int>(2);
       Fill(c, {1, 2});
       c.Close();
       return Say{Take(c), Take(c), Take(c), Take(c)};
     }},
    {"a closed channel: len and cap",
     [] {
       auto c = MakeChan<int>(3);
       Fill(c, {1, 2});
       c.Close();
       return Sizes(c);
     }},
    {"a closed channel: a send panics",
     [] {
       auto c = MakeChan<int>(1);
       c.Close();
       return Panics([=] { c.Send(1); });
     }},
    {"a closed channel: a send in a select with a default panics",
     [] {
       auto c = MakeChan<int>();
       c.Close();
       return Panics([=] { Select({Send(c, 1), Default()}); });
     }},
    {"a closed channel: close panics",
     [] {
       auto c = MakeChan<int>();
       c.Close();
       return Panics([=] { c.Close(); });
     }},
    {"a closed channel works on after a panic",
     [] {
       auto c = MakeChan<int>(2);
       Fill(c, {5});
       c.Close();
       Panics([=] { c.Send(1); });
       Panics([=] { c.Close(); });
       return Say{Take(c), Take(c)};
     }},
    {"close wakes every receiver",
     [] {
       auto c = MakeChan<int>();
       auto woken = MakeChan<std::string>(3);
       for (int i = 0; i < 3; ++i) Start([=] { woken.Send(Take(c)); });
       c.Close();
       return Say{*woken.Recv(), *woken.Recv(), *woken.Recv()};
     }},
    {"close makes a blocked sender panic",
     [] {
       auto c = MakeChan<int>();
       return PanicsWhenWoken([=] { c.Send(1); }, [=] { c.Close(); });
     }},
    {"close makes a blocked select with a send panic",
     [] {
       auto c = MakeChan<int>(), other = MakeChan<int>();
       return PanicsWhenWoken([=] { Select({Send(c, 1), Recv(other)}); }, [=] { c.Close(); });
     }},
    {"close wakes a blocked select with a receive",
     [] {
       auto c = MakeChan<int>(), other = MakeChan<int>();
       auto woken = MakeChan<std::string>(1);
       Start([=] {
         int value = 7;
         bool ok = true;
         woken.Send(Select({Recv(c, &value, &ok), Recv(other)}) == 0 ? Say{value, ok}
                                                                     : Say{"other"});
       });
       c.Close();
       return *woken.Recv();
     }},
    {"range ends when the channel is closed and drained",
     [] {
       auto c = MakeChan<int>(3);
       Fill(c, {1, 2, 3});
       c.Close();
       int sum = 0;
       for (const int value : c) sum += value;
       return Say{sum};
     }},
    {"range over a closed channel: no turn",
     [] {
       auto c = MakeChan<int>();
       c.Close();
       int turns = 0;
       for ([[maybe_unused]] const int value : c) ++turns;
       return Say{turns};
     }},
};

}  // namespace afterleak::conformance
