// leaky_loop MESSAGES: the leaky loop of leaky/looping_select.cc with that many messages, as fast
// as it takes them. Each leaves two timers, all live until the end. Built with and without the
// watching parts: scripts/bench compares the two, and runs tools on the one without.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"
#include "pairs/looping_select.h"

int main(int argc, char** argv) {
  using namespace afterleak;
  const std::string_view typed = argc == 2 ? argv[1] : "";
  std::int64_t messages = 0;
  const auto [end, error] = std::from_chars(typed.data(), typed.data() + typed.size(), messages);
  if (error != std::errc() || end != typed.data() + typed.size() || messages < 1) {
    std::fputs("leaky_loop: it takes the number of messages, such as 100000\n", stderr);
    return 2;
  }

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
  return handled == messages ? 0 : 1;
}
