// What our library does, rule by rule. conformance.go asks Go the same, in the same order and
// words, and names the test of Go's that each rule is drawn from.
//
// A line of output is a rule and its outcome, with a tab between them. The rules run in virtual
// time; those of signals run with the kernel's signals in a real bubble, and then in virtual time
// too, unless they need a process of their own.
//
//   go_conformance [--timers go122|go123]                all rules
//   go_conformance [--timers go122|go123] --only ID      one of them
//   go_conformance [--timers go122|go123] --child ID     what it has a process of its own do
//
// Goroutines take what they use by value: those that stay blocked outlive the rule.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "afterleak/afterleak.h"

namespace {

using namespace afterleak;
using namespace std::chrono_literals;

// All that is timed is a multiple of this.
constexpr Duration kUnit = 50ms;

enum class In { kVirtual, kRealAndVirtual, kReal };

struct Rule {
  std::string id;
  std::function<std::string()> probe;
  In in = In::kVirtual;
};

// ---- how outcomes are found and told

std::string Word(context::Error error) { return std::string(ToString(error)); }
template <typename T>
std::string Word(const T& part) {
  return fmt::format("{}", part);
}

// What was found, in one line. For use with braces, which are evaluated from left to right.
struct Say : std::string {
  template <typename... Parts>
  explicit Say(const Parts&... parts) {
    ((*this += empty() ? Word(parts) : " " + Word(parts)), ...);
  }
};

// Lets time go by.
void Pass(double units) {
  time::Sleep(std::chrono::round<Duration>(units * std::chrono::duration<double>(kUnit)));
}

// Returns when every other goroutine is blocked.
void Settle() { Pass(1); }

// A span as a number of units.
int Units(Duration span) {
  return static_cast<int>(
      std::lround(std::chrono::duration<double>(span) / std::chrono::duration<double>(kUnit)));
}

// Receives a value if one is there.
template <typename T>
bool Ready(const RecvChan<T>& c) {
  return Select({Recv(c), Default()}) == 0;
}

// Starts a goroutine, which runs until it blocks.
void Start(std::function<void()> body) {
  Go(std::move(body));
  Settle();
}

// Whether body gets stuck.
std::string Blocks(const std::function<void()>& body) {
  auto done = MakeChan<bool>(1);
  Start([=] {
    body();
    done.Send(true);
  });
  return Ready(done) ? "goes on" : "blocks";
}

// What body panics with.
std::string Panics(const std::function<void()>& body) {
  try {
    body();
  } catch (const Panic& panic) {
    return Say{"panic:", panic.what()};
  }
  return "no panic";
}

// What a goroutine that is blocked in body panics with once it is woken.
std::string PanicsWhenWoken(const std::function<void()>& body, const std::function<void()>& wake) {
  auto outcome = MakeChan<std::string>(1);
  Start([=] { outcome.Send(Panics(body)); });
  wake();
  return *outcome.Recv();
}

// Receives a value that may take its time; the longest wait of any rule is much shorter than this.
template <typename T>
bool Arrives(const RecvChan<T>& c) {
  return Select({Recv(c), Recv(time::After(100 * kUnit))}) == 0;
}

// How many values are there.
template <typename T>
int Count(const RecvChan<T>& c) {
  int n = 0;
  while (Ready(c)) ++n;
  return n;
}

// Receives.
std::string Take(const Chan<int>& c) {
  const std::optional<int> value = c.Recv();
  return Say{value.value_or(0), value.has_value()};
}

// Sends values if there is room; how many.
int Fill(const Chan<int>& c, std::initializer_list<int> values) {
  int sent = 0;
  for (const int value : values) {
    if (Select({Send(c, value), Default()}) != 0) break;
    ++sent;
  }
  return sent;
}

template <typename T>
bool Closed(const RecvChan<T>& c) {
  bool ok = true;
  return Select({Recv(c, nullptr, &ok), Default()}) == 0 && !ok;
}

template <typename T>
std::string Sizes(const RecvChan<T>& c) {
  return fmt::format("{}/{}", c.Len(), c.Cap());
}

// How many of a thousand tries chose each of two cases: about as many, or only one.
std::string Fairness(const std::function<int()>& attempt) {
  int chosen[2] = {};
  for (int i = 0; i < 1000; ++i) ++chosen[attempt()];
  if (chosen[0] > 350 && chosen[1] > 350) return "both, evenly";
  return Say{chosen[0], "to", chosen[1]};
}

// Whether what drop leaves behind is kept.
std::string Kept(const std::function<void()>& drop) {
  constexpr int kTimes = 500;
  const auto objects = [] { return Bubble::Current().Totals().live; };
  const auto before = objects();
  for (int i = 0; i < kTimes; ++i) drop();
  return objects() > before + kTimes / 2 ? "kept" : "released";
}

void Raise(os::Signal sig) {
  signal::Raise(sig);
  Settle();
}

std::string self;     // this program
TimerMode timers;     // and how it was called
std::string current;  // the rule that is being probed
bool in_child;        // in a process that it started

std::string ChildOf(const std::function<std::string()>& body, std::vector<std::string> command) {
  if (in_child) {
    fmt::print("{}", body());
    std::fflush(stdout);
    std::_Exit(0);
  }
  command.insert(command.end(),
                 {self, "--timers", std::string(ToString(timers)), "--child", current});
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string out;
  char bytes[256];
  for (ssize_t got; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;)
    out.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFSIGNALED(status) ? fmt::format("{}killed by signal {}", out, WTERMSIG(status)) : out;
}

// What body tells in a process of its own, or what that died of.
std::string Child(const std::function<std::string()>& body) { return ChildOf(body, {}); }

// The same in a process that ignores SIGHUP from its start.
std::string ChildUnderNohup(const std::function<std::string()>& body) {
  return ChildOf(body, {"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"});
}

// What the run-time says of a program that consists of body.
std::string Deadlocks(const std::function<void()>& body) {
  try {
    Bubble({.timers = timers}).Run(body);
  } catch (const Deadlock& deadlock) {
    const std::string said = deadlock.what();
    const std::size_t line = said.find('\n') + 1;
    return Say{said.substr(0, said.find(" (at")), said.substr(line, said.find(':', line) - line)};
  }
  return "ends";
}

const std::vector<Rule> rules = {
    // ---- channels

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

    // ---- closed channels

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

    // ---- select

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

    // ---- deadlocks

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

    // ---- timers

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
     [] {
       return Say{Arrives(time::After(0s)), Arrives(time::After(-kUnit))};
     }},
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

    // ---- AfterFunc

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

    // ---- tickers

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
     [] {
       return Say{time::Tick(0s).IsNil(), time::Tick(-kUnit).IsNil()};
     }},

    // ---- what is kept of what was dropped

    {"a stopped timer", [] { return Kept([] { time::NewTimer(1h).Stop(); }); }},
    {"a deadline that was cancelled",
     [] {
       return Kept([] {
         auto [ctx, cancel] = context::WithTimeout(context::Background(), 1h);
         cancel();
       });
     }},
    {"a signal registration that was stopped",
     [] {
       return Kept([] {
         auto c = MakeChan<os::Signal>(1);
         signal::Notify(c, {SIGUSR2});
         signal::Stop(c);
       });
     },
     In::kRealAndVirtual},
    {"After that nobody can hear", [] { return Kept([] { std::ignore = time::After(1h); }); }},
    {"a timer that nobody can hear or stop",
     [] { return Kept([] { std::ignore = time::NewTimer(1h); }); }},
    {"a ticker that nobody can hear or stop",
     [] { return Kept([] { std::ignore = time::NewTicker(1h); }); }},
    {"a callback that nobody can stop", [] { return Kept([] { time::AfterFunc(1h, [] {}); }); }},
    {"a deadline that nobody can cancel",
     [] { return Kept([] { std::ignore = context::WithTimeout(context::Background(), 1h); }); }},
    {"a signal registration that nobody can stop",
     [] {
       Defer deferred([] { signal::Reset({SIGUSR2}); });
       return Kept([] { signal::Notify(MakeChan<os::Signal>(1), {SIGUSR2}); });
     },
     In::kRealAndVirtual},

    // ---- contexts

    {"Background is never done",
     [] {
       auto ctx = context::Background();
       return Say{ctx.Done().IsNil(), ctx.Err(), ctx.Deadline().has_value()};
     }},
    {"cancel: Err and Done before and after",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       const auto before = ctx.Err();
       const bool open = !Closed(ctx.Done());
       cancel();
       return Say{before, open, ctx.Err(), Closed(ctx.Done())};
     }},
    {"cancel twice",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       cancel();
       cancel();
       return Say{ctx.Err()};
     }},
    {"cancel from many goroutines at once",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       for (int i = 0; i < 10; ++i) Go(cancel);
       return Say{Arrives(ctx.Done()), ctx.Err()};
     }},
    {"Done is the same channel each time",
     [] {
       auto [ctx, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       return Say{ctx.Done() == ctx.Done()};
     }},
    {"a parent ends its child and grandchild before cancel returns",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       auto [grandchild, cancel_grandchild] = context::WithTimeout(child, 1h);
       Defer deferred_grandchild(cancel_grandchild);
       cancel();
       return Say{Closed(child.Done()), child.Err(), Closed(grandchild.Done()), grandchild.Err()};
     }},
    {"a child that ends leaves its parent alone",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       cancel_child();
       return Say{child.Err(), parent.Err(), Closed(parent.Done())};
     }},
    {"a child of which only Done is kept ends with its parent",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       RecvChan<Unit> done = [&top = parent] {
         auto [child, cancel_child] = context::WithCancel(top);
         auto [grandchild, cancel_grandchild] = context::WithCancel(child);
         return grandchild.Done();
       }();
       cancel();
       return Say{Closed(done)};
     }},
    {"a child of a parent that is cancelled",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [child, cancel_child] = context::WithTimeout(parent, 1h);
       Defer deferred_child(cancel_child);
       return Say{Closed(child.Done()), child.Err()};
     }},
    {"a child of a parent whose deadline is past",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 0s);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       return Say{child.Err()};
     }},
    {"a deadline of the past below a parent that is cancelled",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [child, cancel_child] = context::WithTimeout(parent, -kUnit);
       Defer deferred_child(cancel_child);
       return Say{child.Err()};
     }},
    {"WithTimeout: Err, and when",
     [] {
       const Time begin = time::Now();
       auto [ctx, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       Defer deferred(cancel);
       ctx.Done().Recv();
       return Say{Units(time::Since(begin)), ctx.Err()};
     }},
    {"WithDeadline: Err, and when",
     [] {
       const Time begin = time::Now();
       auto [ctx, cancel] = context::WithDeadline(context::Background(), begin + 2 * kUnit);
       Defer deferred(cancel);
       ctx.Done().Recv();
       return Say{Units(time::Since(begin)), ctx.Err()};
     }},
    {"a deadline of now or the past is done at return",
     [] {
       auto [now, cancel_now] = context::WithDeadline(context::Background(), time::Now());
       Defer deferred_now(cancel_now);
       auto [past, cancel_past] = context::WithTimeout(context::Background(), -kUnit);
       Defer deferred_past(cancel_past);
       return Say{Closed(now.Done()), now.Err(), Closed(past.Done()), past.Err()};
     }},
    {"cancel before the deadline: the first error stays",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       cancel();
       Pass(3);
       return Say{ctx.Err()};
     }},
    {"cancel after the deadline: the first error stays",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), kUnit);
       ctx.Done().Recv();
       cancel();
       return Say{ctx.Err()};
     }},
    {"a child inherits its parent's deadline",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 2 * kUnit);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithCancel(parent);
       Defer deferred_child(cancel_child);
       auto [later, cancel_later] = context::WithTimeout(child, 1h);
       Defer deferred_later(cancel_later);
       const auto limit = parent.Deadline();
       later.Done().Recv();
       return Say{child.Deadline() == limit, later.Deadline() == limit, later.Err()};
     }},
    {"a child with an earlier deadline ends first, and alone",
     [] {
       const Time begin = time::Now();
       auto [parent, cancel] = context::WithTimeout(context::Background(), 1h);
       Defer deferred(cancel);
       auto [child, cancel_child] = context::WithTimeout(parent, 2 * kUnit);
       Defer deferred_child(cancel_child);
       child.Done().Recv();
       return Say{Units(time::Since(begin)), child.Err(), parent.Err()};
     }},
    {"a child of a parent that is cancelled before both deadlines",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), 4 * kUnit);
       auto [child, cancel_child] = context::WithTimeout(parent, 2 * kUnit);
       Defer deferred_child(cancel_child);
       cancel();
       Pass(3);
       return Say{child.Err()};
     }},
    {"WithTimeout of the largest duration never comes",
     [] {
       auto [ctx, cancel] = context::WithTimeout(context::Background(), Duration::max());
       Defer deferred(cancel);
       Pass(2);
       return Say{ctx.Deadline().has_value(), ctx.Err()};
     }},

    // ---- signals

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
    {"NotifyContext: a signal cancels",
     [] {
       auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGUSR1});
       Defer deferred(stop);
       const auto before = ctx.Err();
       Raise(SIGUSR1);
       return Say{before, Arrives(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: further signals do nothing until stop",
     [] {
       return Child([] {
         auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGTERM});
         Defer deferred(stop);
         Raise(SIGTERM);
         Raise(SIGTERM);
         return Say{"survives", ctx.Err()};
       });
     },
     In::kReal},
    {"NotifyContext: stop cancels",
     [] {
       auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGUSR1});
       stop();
       stop();
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: stop brings the default action back",
     [] {
       return Child([] {
         auto [ctx, stop] = signal::NotifyContext(context::Background(), {SIGHUP});
         stop();
         Raise(SIGHUP);
         return "survives";
       });
     },
     In::kReal},
    {"NotifyContext: its parent cancels it",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred(stop);
       cancel();
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: a parent that is cancelled already",
     [] {
       auto [parent, cancel] = context::WithCancel(context::Background());
       cancel();
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred(stop);
       return Say{Closed(ctx.Done()), ctx.Err()};
     },
     In::kRealAndVirtual},
    {"NotifyContext: a parent whose deadline comes",
     [] {
       auto [parent, cancel] = context::WithTimeout(context::Background(), kUnit);
       Defer deferred(cancel);
       auto [ctx, stop] = signal::NotifyContext(parent, {SIGUSR1});
       Defer deferred_stop(stop);
       ctx.Done().Recv();
       return Say{ctx.Err()};
     },
     In::kRealAndVirtual},
};

std::string Probe(const Rule& rule, ClockKind clock) {
  current = rule.id;
  std::string outcome;
  try {
    Bubble bubble({.clock = clock, .timers = timers});
    bubble.Run([&] { outcome = rule.probe(); });
  } catch (const std::exception& error) {
    outcome = error.what();
    return outcome.substr(0, outcome.find('\n'));
  }
  return outcome;
}

std::string Probe(const Rule& rule) {
  if (rule.in == In::kVirtual) return Probe(rule, ClockKind::kVirtual);
  const std::string real = Probe(rule, ClockKind::kReal);
  if (rule.in == In::kReal) return real;
  const std::string in_virtual_time = Probe(rule, ClockKind::kVirtual);
  if (real == in_virtual_time) return real;
  return fmt::format("{}; in virtual time {}", real, in_virtual_time);
}

}  // namespace

int main(int argc, char** argv) {
  self = std::filesystem::read_symlink("/proc/self/exe");
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const std::string_view value = i + 1 < argc ? argv[++i] : "";
    if (option == "--timers" && (value == "go122" || value == "go123")) {
      timers = value == "go123" ? TimerMode::kGo123 : TimerMode::kGo122;
    } else if ((option == "--only" || option == "--child") && !value.empty()) {
      only = value;
      in_child = option == "--child";
    } else {
      fmt::print(stderr,
                 "go_conformance: unknown arguments; there are: --timers go122|go123, "
                 "--only ID\n");
      return 2;
    }
  }
  for (const Rule& rule : rules) {
    if (!only.empty() && only != rule.id) continue;
    fmt::print("{}\t{}\n", rule.id, Probe(rule));
    std::fflush(stdout);
  }
}
