#include <tuple>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

using namespace std::chrono_literals;

const std::vector<Rule> ticker_rules = {
    {"a ticker: len and cap before a tick",
     [] {
       time::ScopedTicker ticker(10 * kUnit);
       return Sizes(ticker.C());
     }},
    {"a ticker: len and cap after three ticks, unread",
     [] {
       time::ScopedTicker ticker(kUnit);
       Pass(3.5);
       return Sizes(ticker.C());
     }},
    {"a ticker ticks every period",
     [] {
       const Time begin = time::Now();
       time::ScopedTicker ticker(2 * kUnit);
       return Say{Units(*ticker.C().Recv() - begin), Units(*ticker.C().Recv() - begin),
                  Units(*ticker.C().Recv() - begin)};
     }},
    {"a ticker drops what is not read",
     [] {
       time::ScopedTicker ticker(2 * kUnit);
       Pass(7);
       return Say{Count(ticker.C())};
     }},
    {"a ticker that is read late tells the time of the first tick",
     [] {
       const Time begin = time::Now();
       time::ScopedTicker ticker(2 * kUnit);
       Pass(7);
       return Say{Units(*ticker.C().Recv() - begin)};
     }},
    {"a ticker keeps its phase, however late it is read",
     [] {
       const Time begin = time::Now();
       time::ScopedTicker ticker(2 * kUnit);
       Pass(7);
       ticker.C().Recv();
       return Say{Units(*ticker.C().Recv() - begin), Units(*ticker.C().Recv() - begin)};
     }},
    {"a stopped ticker does not tick",
     [] {
       auto ticker = time::NewTicker(kUnit);
       ticker.Stop();
       Pass(3);
       return Say{Ready(ticker.C())};
     }},
    {"Stop of a ticker does not close its channel",
     [] {
       auto ticker = time::NewTicker(kUnit);
       ticker.Stop();
       ticker.Stop();
       return Blocks([=] { ticker.C().Recv(); });
     }},
    {"Stop of a ticker with an unread tick: it can be read",
     [] {
       auto ticker = time::NewTicker(kUnit);
       Pass(2.5);
       ticker.Stop();
       return Say{Ready(ticker.C())};
     }},
    {"Reset of a ticker: the new period counts from now",
     [] {
       const Time begin = time::Now();
       auto ticker = time::NewTicker(10 * kUnit);
       Defer deferred([&] { ticker.Stop(); });
       Pass(1);
       ticker.Reset(2 * kUnit);
       return Say{Units(*ticker.C().Recv() - begin), Units(*ticker.C().Recv() - begin)};
     }},
    {"Reset of a ticker with an unread tick: it can be read",
     [] {
       auto ticker = time::NewTicker(kUnit);
       Defer deferred([&] { ticker.Stop(); });
       Pass(2.5);
       ticker.Reset(10 * kUnit);
       return Say{Ready(ticker.C())};
     }},
    {"Reset of a stopped ticker starts it",
     [] {
       auto ticker = time::NewTicker(10 * kUnit);
       Defer deferred([&] { ticker.Stop(); });
       ticker.Stop();
       ticker.Reset(kUnit);
       return Say{Arrives(ticker.C()), Arrives(ticker.C())};
     }},
    {"two receivers of one ticker: both get ticks",
     [] {
       time::ScopedTicker ticker(kUnit);
       auto got = MakeChan<bool>(2);
       for (int i = 0; i < 2; ++i) Go([=, c = ticker.C()] { c.Recv(), got.Send(true); });
       return Say{Arrives(got), Arrives(got)};
     }},
    {"NewTicker(0) panics", [] { return Panics([] { std::ignore = time::NewTicker(0s); }); }},
    {"NewTicker of less than zero panics",
     [] { return Panics([] { std::ignore = time::NewTicker(-kUnit); }); }},
    {"Reset(0) of a ticker panics",
     [] {
       auto ticker = time::NewTicker(kUnit);
       Defer deferred([&] { ticker.Stop(); });
       return Panics([=] { ticker.Reset(0s); });
     }},
    {"Stop of a ticker that nobody made",
     [] {
       time::Ticker ticker;
       return Panics([=] { ticker.Stop(); });
     }},
    {"Reset of a ticker that nobody made panics",
     [] {
       time::Ticker ticker;
       return Panics([=] { ticker.Reset(kUnit); });
     }},
    {"a ticker of the largest duration never ticks",
     [] {
       time::ScopedTicker ticker(Duration::max());
       Pass(2);
       return Say{Ready(ticker.C())};
     }},
    {"Tick ticks",
     [] {
       auto c = time::Tick(kUnit);
       return Say{Arrives(c), Arrives(c)};
     }},
    {"Tick of zero or less is nil",
     [] { return Say{time::Tick(0s).IsNil(), time::Tick(-kUnit).IsNil()}; }},
};

}  // namespace afterleak::conformance
