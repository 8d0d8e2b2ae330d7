#include <string>
#include <tuple>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> channel_rules = {
    {"a receive from a nil channel blocks",
     [] {
       Chan<int> none;
       return Blocks([=] { none.Recv(); });
     }},
    {"a send to a nil channel blocks",
     [] {
       Chan<int> none;
       return Blocks([=] { none.Send(1); });
     }},
    {"close of a nil channel panics",
     [] {
       Chan<int> none;
       return Panics([=] { none.Close(); });
     }},
    {"len and cap of a nil channel",
     [] {
       Chan<int> none;
       return Sizes(none);
     }},
    {"an unbuffered channel: a receive alone blocks",
     [] {
       auto c = MakeChan<int>();
       return Blocks([=] { c.Recv(); });
     }},
    {"an unbuffered channel: a send alone blocks",
     [] {
       auto c = MakeChan<int>();
       return Blocks([=] { c.Send(1); });
     }},
    {"an unbuffered channel: a send returns when it is received",
     [] {
       auto c = MakeChan<int>();
       auto sent = MakeChan<bool>(1);
       Start([=] { c.Send(7), sent.Send(true); });
       const bool before = Ready(sent);
       const std::string value = Take(c);
       return Say{before, value, Arrives(sent)};
     }},
    {"an unbuffered channel: a send without waiting finds a receiver that waits",
     [] {
       auto c = MakeChan<int>();
       const int alone = Fill(c, {1});
       Start([=] { c.Recv(); });
       return Say{alone, Fill(c, {1, 2})};
     }},
    {"an unbuffered channel: len and cap with a sender that waits",
     [] {
       auto c = MakeChan<int>();
       Start([=] { c.Send(1); });
       return Sizes(c);
     }},
    {"a buffered channel takes as many values as it has room for",
     [] {
       auto c = MakeChan<int>(3);
       return Say{Fill(c, {1, 2, 3, 4}), Sizes(c)};
     }},
    {"a full channel: a send blocks",
     [] {
       auto c = MakeChan<int>(1);
       c.Send(1);
       return Blocks([=] { c.Send(2); });
     }},
    {"a full channel: a receive lets the sender's value in, last",
     [] {
       auto c = MakeChan<int>(2);
       Fill(c, {1, 2});
       Start([=] { c.Send(3); });
       return Say{Take(c), Sizes(c), Take(c), Take(c)};
     }},
    {"a buffered channel keeps the order",
     [] {
       auto c = MakeChan<int>(3);
       Fill(c, {1, 2});
       c.Recv();
       Fill(c, {3, 4});
       return Say{Take(c), Take(c), Take(c)};
     }},
    {"values without size are counted",
     [] {
       auto c = MakeChan<Unit>(3);
       c.Send({});
       c.Send({});
       return Say{Sizes(c), Count(c)};
     }},
    {"blocked receivers are served first come, first served",
     [] {
       auto c = MakeChan<int>();
       auto order = MakeChan<int>(3);
       for (int i = 1; i <= 3; ++i) Start([=] { c.Recv(), order.Send(i); });
       for (int i = 0; i < 3; ++i) {
         c.Send(0);
         Settle();
       }
       return Say{Take(order), Take(order), Take(order)};
     }},
    {"blocked senders are served first come, first served",
     [] {
       auto c = MakeChan<int>();
       for (int i = 1; i <= 3; ++i) Start([=] { c.Send(i); });
       return Say{Take(c), Take(c), Take(c)};
     }},
    {"four senders, four receivers: every value arrives once",
     [] {
       auto c = MakeChan<int>(2);
       auto sums = MakeChan<int>(4);
       auto senders = MakeChan<Unit>(4);
       for (int i = 0; i < 4; ++i) {
         Go([=] {
           int sum = 0;
           for (const int value : c) sum += value;
           sums.Send(sum);
         });
         Go([=] {
           for (int value = 1; value <= 100; ++value) c.Send(value);
           senders.Send({});
         });
       }
       for (int i = 0; i < 4; ++i) senders.Recv();
       c.Close();
       return Say{*sums.Recv() + *sums.Recv() + *sums.Recv() + *sums.Recv()};
     }},
    {"a capacity above 32 bits, where values need no room",
     [] {
       auto c = MakeChan<Unit>(std::size_t{1} << 32);
       c.TrySend({});
       return Say{c.Cap() == std::size_t{1} << 32, c.Len()};
     }},
    {"an impossible capacity panics",
     [] { return Panics([] { std::ignore = MakeChan<int>(std::size_t{1} << 62); }); }},
};

}  // namespace afterleak::conformance
