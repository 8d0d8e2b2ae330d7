// leaky_loop MESSAGES [ROUNDS]: the leaky loop of leaky/looping_select.cc with that many messages,
// as fast as it takes them, and the whole of it as often. Each message leaves two timers, all live
// until the end of the round. Built with and without the watching parts: scripts/bench compares the
// two, and runs tools on the one without.
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

// Whether the loop has handled them all.
bool Round(std::int64_t messages) {
  std::int64_t handled = 0;
  Bubble bubble;
  bubble.Go([&] {
    const auto inbox = MakeChan<std::string>(1);
    const auto handle = [&](const std::string& message) {
      if (++handled < messages) inbox.Send(message);
    };
    inbox.Send("hello");
    leaky::LoopingSelect(inbox, {}, {.handle = handle, .poll = [] {}});
  });
  bubble.AdvanceTo(Time{});
  std::printf("messages %lld, live timers by the census %lld, live blocks by the counters %lld\n",
              static_cast<long long>(handled), static_cast<long long>(bubble.Totals().live),
              static_cast<long long>(heap::Process().live_blocks));
  return handled == messages;
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
  for (std::int64_t i = 0; i < rounds; ++i) {
    if (!Round(messages)) return 1;
  }
}
