// Ours. PEER names what is linked: with the census and the counting allocator ("afterleak"), or
// without one or both of them. On the virtual clock, where no goroutine waits for another, so only
// the turn is measured.
#include "afterleak/afterleak.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "afterleak/heap/heap.h"
#include "bench/turn/turns.h"

namespace {

using namespace afterleak;

class Loop {
 public:
  static constexpr const char* kName = PEER;
  static constexpr std::int64_t kMost =
      std::string_view(PEER) == "afterleak" ? 10'000'000 : 1'000'000;
  static constexpr bool kManyThreads = true;

  template <class Work>
  static void Inside(std::int64_t live, const Work& work) {
    Bubble bubble({.turns_at_one_instant = ~std::uint64_t{0}});
    bubble.Run([&] {
      for (std::int64_t i = 0; i < live; ++i) {
        std::ignore = time::After(bench::kMuchLater + i * std::chrono::milliseconds(1));
      }
      Loop loop;
      work(loop);
    });
  }

  void LeakyTurns(std::int64_t turns) {
    for (std::int64_t i = 0; i < turns; ++i) {
      messages_.Send("hello");
      std::string message;
      if (Select({Recv(messages_, &message), Recv(time::After(bench::kPoll)),
                  Recv(time::After(bench::kGiveUp))}) == 0)
        ++received;
    }
  }

  void FixedTurns(std::int64_t turns) {
    const auto [ctx, cancel] = context::WithTimeout(context::Background(), bench::kGiveUp);
    const Defer cancelled(cancel);
    const time::ScopedTicker ticker(bench::kPoll);
    for (std::int64_t i = 0; i < turns; ++i) {
      messages_.Send("hello");
      std::string message;
      if (Select({Recv(messages_, &message), Recv(ticker.C()), Recv(ctx.Done())}) == 0) ++received;
    }
  }

  // Timers fire in the order of their deadlines, so this one fires after all those of the turns.
  void Expire() { time::After(bench::kGiveUp).Recv(); }

  std::int64_t received = 0;

 private:
  const Chan<std::string> messages_ = MakeChan<std::string>(1);
};

// What is linked must match PEER.
bool WatchesAsNamed() {
  constexpr std::string_view kPeer = PEER;
  Bubble bubble;
  bubble.Run([] { std::ignore = time::After(bench::kPoll); });
  return heap::Counting() == (kPeer == "afterleak" || kPeer == "no_census") &&
         (bubble.Totals().live == 1) == (kPeer == "afterleak" || kPeer == "no_counters");
}

}  // namespace

int main(int argc, char** argv) {
  if (!WatchesAsNamed()) {
    std::fputs(PEER " is not linked as its name says; nothing can be measured\n", stderr);
    return 2;
  }
  return bench::TurnMain<Loop>(argc, argv);
}
