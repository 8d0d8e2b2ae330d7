#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {

const std::vector<Rule> signal_rules = {
    {"Notify: the signal arrives",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Notify(c, {SIGHUP});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGHUP);
       return Say{*c.Recv() == SIGHUP};
     },
     In::kRealAndVirtual},
    {"Notify without a list: all signals arrive",
     [] {
       auto c = MakeChan<os::Signal>(2);
       signal::Notify(c, {});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGHUP);
       const bool first = *c.Recv() == SIGHUP;
       Raise(SIGWINCH);
       return Say{first, *c.Recv() == SIGWINCH};
     },
     In::kRealAndVirtual},
    {"Notify again adds to the list",
     [] {
       auto c = MakeChan<os::Signal>(4);
       signal::Notify(c, {SIGHUP});
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGHUP);
       Raise(SIGUSR1);
       return Say{Count(c)};
     },
     In::kRealAndVirtual},
    {"a signal that was not asked for does not arrive",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Notify(c, {SIGHUP});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGWINCH);
       return Say{Ready(c)};
     },
     In::kRealAndVirtual},
    {"five signals into a channel of one leave one",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       for (int i = 0; i < 5; ++i) Raise(SIGUSR1);
       return Say{Count(c)};
     },
     In::kRealAndVirtual},
    {"a full channel keeps the oldest signal",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Notify(c, {SIGUSR1, SIGHUP});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGHUP);
       Raise(SIGUSR1);
       return Say{*c.Recv() == SIGHUP, Ready(c)};
     },
     In::kRealAndVirtual},
    {"an unbuffered channel that nobody reads loses signals",
     [] {
       auto c = MakeChan<os::Signal>();
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGUSR1);
       return Say{Ready(c)};
     },
     In::kRealAndVirtual},
    {"an unbuffered channel whose reader waits gets them",
     [] {
       auto c = MakeChan<os::Signal>();
       auto got = MakeChan<bool>(1);
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Start([=] { c.Recv(), got.Send(true); });
       Raise(SIGUSR1);
       return Say{Arrives(got)};
     },
     In::kRealAndVirtual},
    {"a channel that is registered twice gets one copy",
     [] {
       auto c = MakeChan<os::Signal>(4);
       signal::Notify(c, {SIGUSR1});
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGUSR1);
       return Say{Count(c)};
     },
     In::kRealAndVirtual},
    {"each of two channels gets its copy",
     [] {
       auto a = MakeChan<os::Signal>(4), b = MakeChan<os::Signal>(4);
       signal::Notify(a, {SIGUSR1});
       signal::Notify(b, {SIGUSR1});
       Defer deferred([=] { signal::Stop(a), signal::Stop(b); });
       Raise(SIGUSR1);
       return Say{Count(a), Count(b)};
     },
     In::kRealAndVirtual},
    {"Notify of a nil channel panics", [] { return Panics([] { signal::Notify({}, {SIGUSR1}); }); },
     In::kRealAndVirtual},
    {"Stop of a channel that is not registered, or nil",
     [] {
       return Panics([] {
         signal::Stop(MakeChan<os::Signal>());
         signal::Stop({});
       });
     },
     In::kRealAndVirtual},
    {"Stop: what had arrived stays, no more comes",
     [] {
       auto c = MakeChan<os::Signal>(4), other = MakeChan<os::Signal>(4);
       signal::Notify(c, {SIGUSR1});
       signal::Notify(other, {SIGUSR1});
       Defer deferred([=] { signal::Stop(other); });
       Raise(SIGUSR1);
       signal::Stop(c);
       Raise(SIGUSR1);
       return Say{Count(c), Count(other)};
     },
     In::kRealAndVirtual},
    {"Stop, then Notify again",
     [] {
       auto c = MakeChan<os::Signal>(4);
       signal::Notify(c, {SIGUSR1});
       signal::Stop(c);
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGUSR1);
       return Say{Count(c)};
     },
     In::kRealAndVirtual},
    {"Reset takes a signal off all channels, and leaves others",
     [] {
       auto a = MakeChan<os::Signal>(4), b = MakeChan<os::Signal>(4);
       signal::Notify(a, {SIGWINCH, SIGUSR1});
       signal::Notify(b, {SIGWINCH});
       Defer deferred([=] { signal::Stop(a), signal::Stop(b); });
       signal::Reset({SIGWINCH});
       Raise(SIGWINCH);
       Raise(SIGUSR1);
       return Say{Count(a), Count(b)};
     },
     In::kRealAndVirtual},
    {"Ignore takes a signal off all channels",
     [] {
       auto c = MakeChan<os::Signal>(4);
       signal::Notify(c, {SIGWINCH});
       Defer deferred([=] { signal::Stop(c); });
       signal::Ignore({SIGWINCH});
       Raise(SIGWINCH);
       return Say{Count(c), signal::Ignored(SIGWINCH)};
     },
     In::kRealAndVirtual},
    {"Ignored before and after Ignore, and after Notify",
     [] {
       auto c = MakeChan<os::Signal>(1);
       const bool before = signal::Ignored(SIGUSR1);
       signal::Ignore({SIGUSR1});
       const bool after = signal::Ignored(SIGUSR1);
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       return Say{before, after, signal::Ignored(SIGUSR1)};
     },
     In::kRealAndVirtual},
    {"Notify after Ignore: the signal arrives",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Ignore({SIGUSR1});
       signal::Notify(c, {SIGUSR1});
       Defer deferred([=] { signal::Stop(c); });
       Raise(SIGUSR1);
       return Say{Ready(c)};
     },
     In::kRealAndVirtual},
    {"Reset after Ignore: the signal stays ignored",
     [] {
       return Child([] {
         signal::Ignore({SIGHUP});
         signal::Reset({SIGHUP});
         Raise(SIGHUP);
         return Say{"survives", signal::Ignored(SIGHUP)};
       });
     },
     In::kReal},
    {"default action: without Notify the process dies of SIGTERM",
     [] { return Child([] { return Raise(SIGTERM), "survives"; }); }, In::kReal},
    {"default action: Notify holds it off",
     [] {
       return Child([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Notify(c, {SIGTERM});
         Raise(SIGTERM);
         return Say{"survives", Ready(c)};
       });
     },
     In::kReal},
    {"default action: so does a registration that nobody reads",
     [] {
       return Child([] {
         signal::Notify(MakeChan<os::Signal>(), {SIGTERM});
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: it is back after Stop",
     [] {
       return Child([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Notify(c, {SIGTERM});
         signal::Stop(c);
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: it is back after the last Stop only",
     [] {
       return Child([] {
         auto a = MakeChan<os::Signal>(1), b = MakeChan<os::Signal>(1);
         signal::Notify(a, {SIGTERM});
         signal::Notify(b, {SIGTERM});
         signal::Stop(a);
         Raise(SIGTERM);
         fmt::print("survives once ");
         std::fflush(stdout);
         signal::Stop(b);
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: it is back after Reset",
     [] {
       return Child([] {
         signal::Notify(MakeChan<os::Signal>(1), {SIGTERM});
         signal::Reset({});
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: Ignore, Notify and Stop bring it back",
     [] {
       return Child([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Ignore({SIGTERM});
         signal::Notify(c, {SIGTERM});
         signal::Stop(c);
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: the same three for SIGINT",
     [] {
       return Child([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Ignore({SIGINT});
         signal::Notify(c, {SIGINT});
         signal::Stop(c);
         Raise(SIGINT);
         return "survives";
       });
     },
     In::kReal},
    {"default action: Ignore holds it off",
     [] {
       return Child([] {
         signal::Ignore({SIGTERM});
         Raise(SIGTERM);
         return "survives";
       });
     },
     In::kReal},
    {"default action: SIGUSR1 without Notify",
     [] { return Child([] { return Raise(SIGUSR1), "survives"; }); }, In::kReal},
    {"under nohup SIGHUP is ignored",
     [] {
       return ChildUnderNohup([] {
         const bool ignored = signal::Ignored(SIGHUP);
         Raise(SIGHUP);
         return Say{ignored, "survives"};
       });
     },
     In::kReal},
    {"under nohup Notify catches SIGHUP, and Stop has it ignored again",
     [] {
       return ChildUnderNohup([] {
         auto c = MakeChan<os::Signal>(4);
         signal::Notify(c, {SIGHUP});
         Raise(SIGHUP);
         signal::Stop(c);
         Raise(SIGHUP);
         return Say{Count(c), "survives"};
       });
     },
     In::kReal},
    {"Notify of numbers that do not exist, and of SIGKILL",
     [] {
       auto c = MakeChan<os::Signal>(1);
       signal::Notify(c, {-1, 65, 1000, SIGKILL});
       signal::Ignore({65});
       signal::Reset({65});
       signal::Stop(c);
       return Say{c.Len(), signal::Ignored(65)};
     },
     In::kRealAndVirtual},
    {"Notify without a list takes SIGABRT",
     [] {
       return Child([] {
         auto c = MakeChan<os::Signal>(4);
         signal::Notify(c, {});
         Raise(SIGABRT);
         return Say{Count(c)};
       });
     },
     In::kReal},
};

}  // namespace afterleak::conformance
