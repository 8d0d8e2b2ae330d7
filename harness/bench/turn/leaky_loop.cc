// leaky_loop MESSAGES [ROUNDS]: the leaky loop of leaky/looping_select.cc with that many messages,
// as fast as it takes them, and the whole of it as often. Each message leaves two timers, all live
// at the end of a round. Before the next one, time goes on until they have expired: a server whose
// load comes and goes. Built with and without the watching parts: scripts/bench compares the two,
// and runs tools on the one without.
#include <malloc.h>

#include <charconv>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"
#include "pairs/looping_select.h"

namespace {

using namespace afterleak;

// 0 if it is no number, or none from 1 on.
std::int64_t Number(std::string_view typed) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(typed.data(), typed.data() + typed.size(), number);
  return error == std::errc() && end == typed.data() + typed.size() && number > 0 ? number : 0;
}

constexpr Duration kUntilAllHaveExpired = std::chrono::seconds(31);

// Whether the loop has handled all messages of all rounds.
bool Run(std::int64_t messages, std::int64_t rounds) {
  Bubble bubble;
  Chan<std::string> inbox;
  std::int64_t left = 0;
  const auto handle = [&](const std::string& message) {
    if (--left > 0) inbox.Send(message);
  };
  bubble.Go([&] {
    inbox = MakeChan<std::string>(1);
    leaky::LoopingSelect(inbox, {}, {.handle = handle, .poll = [] {}});
  });
  for (std::int64_t i = 0; i < rounds; ++i) {
    if (i > 0) bubble.AdvanceTo(bubble.Now() + kUntilAllHaveExpired);
    left = messages;
    bubble.Go([&] { inbox.Send("hello"); });
    bubble.AdvanceTo(bubble.Now());
    std::printf("messages %lld, live timers by the census %lld, live blocks by the counters %lld\n",
                static_cast<long long>(messages - left),
                static_cast<long long>(bubble.Totals().live),
                static_cast<long long>(heap::Process().live_blocks));
    if (left != 0) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t messages = argc == 2 || argc == 3 ? Number(argv[1]) : 0;
  const std::int64_t rounds = argc == 3 ? Number(argv[2]) : 1;
  if (messages == 0 || rounds == 0) {
    std::fputs("leaky_loop: it takes the number of messages, such as 100000, and of rounds (1)\n",
               stderr);
    return 2;
  }
  mallopt(M_TRIM_THRESHOLD, INT_MAX);  // as the benchmarks do (measure.h)
  return Run(messages, rounds) ? 0 : 1;
}
