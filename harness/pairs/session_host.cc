// A host process that runs sessions on the real clock, for real signals. The tests of the two
// signal patterns send them.
//
//   session_host before_expiry|registration leaky|fixed SESSIONS
//
// Prints a line when a session is listening, and one when a signal has ended it. After the last
// session it prints its census, and then answers each line of input, which shows whether SIGTERM
// has ended it. Ends with its input, or with exit code 2 when nobody can read its output.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/afterleak.h"
#include "pairs/signal_before_expiry.h"
#include "pairs/signal_registration.h"

using namespace afterleak;
using namespace std::chrono_literals;

namespace {

void Say(const std::string& line) {
  if (std::puts(line.c_str()) < 0 || std::fflush(stdout) != 0) std::_Exit(2);
}

// Says "listening" once the session is blocked in its select, which is after its Notify.
void SayWhenListening() {
  while (ToString(Bubble::Current().Goroutines()).find("[select]: ") == std::string::npos)
    time::Sleep(1ms);
  Say("listening");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const auto is = [&](std::size_t i, std::string_view word) {
    return i < arguments.size() && arguments[i] == word;
  };
  const bool before_expiry = is(0, "before_expiry");
  const bool leaky = is(1, "leaky");
  const int sessions = arguments.size() == 3 ? std::atoi(argv[3]) : 0;
  if ((!before_expiry && !is(0, "registration")) || (!leaky && !is(1, "fixed")) || sessions < 1) {
    std::fputs(
        "session_host: takes before_expiry|registration, leaky|fixed, and a number of sessions\n",
        stderr);
    return 2;
  }

  Bubble bubble({.clock = ClockKind::kReal});
  bubble.Run([&] {
    const auto signals = MakeChan<os::Signal>(1);
    if (before_expiry) signal::Notify(signals, {SIGINT, SIGTERM, SIGQUIT});
    const auto ended = MakeChan<std::optional<os::Signal>>();
    for (int i = 0; i < sessions; ++i) {
      Go([&] {
        if (before_expiry) {
          ended.Send(leaky ? leaky::SignalBeforeExpiry(signals, 1h)
                           : fixed::SignalBeforeExpiry(signals, 1h));
        } else {
          ended.Send(leaky ? leaky::SignalRegistration(1h) : fixed::SignalRegistration(1h));
        }
      });
      SayWhenListening();
      Say(fmt::format("ended by {}", ended.Recv()->value_or(0)));
    }
    signal::Stop(signals);
    const CensusTotals t = Bubble::Current().Totals();
    Say(fmt::format("live {} abandoned {} rooted {}", t.live, t.abandoned, t.rooted));
    while (std::getc(stdin) != EOF) Say("still here");
  });
}
