// Random programs of goroutines that send, receive and select on a few channels, against a naive
// model. They compare which case of which goroutine is performed, with which value, and in which
// order. The model is a list of those that wait, which is searched from its beginning: so it needs
// no queue that a case could be taken out of. AFTERLEAK_SEED=n repeats the program of one seed.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/select.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 100;
#else
constexpr std::uint64_t kSeeds = 1000;
#endif
constexpr int kSteps = 80;
constexpr std::size_t kMostWaiting = 8;
constexpr std::array kCapacities{0, 0, 1, 3};

struct Case {
  std::size_t chan;
  bool send;
  int value;  // to send
};

// What a goroutine says when it goes on.
struct Outcome {
  int id;
  int chosen;  // -1: a panic
  int value = 0;
  bool ok = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
  friend void PrintTo(const Outcome& o, std::ostream* os) {
    *os << "goroutine " << o.id << " case " << o.chosen << " value " << o.value << " " << o.ok;
  }
};

// ---- the model

struct Waiting {
  int id;
  std::vector<Case> cases;
};

struct Model {
  std::array<std::deque<int>, kCapacities.size()> buffers;
  std::vector<Waiting> waiting;  // in the order in which they came
  std::vector<Outcome> outcomes;
  int tails_lost = 0;  // cases that lost as the last of several in their channel's queue

  static int Find(const Waiting& waiter, std::size_t chan, bool send) {
    for (std::size_t i = 0; i < waiter.cases.size(); ++i) {
      if (waiter.cases[i].chan == chan && waiter.cases[i].send == send) return static_cast<int>(i);
    }
    return -1;
  }
  const Waiting* First(std::size_t chan, bool send) const {
    for (const Waiting& waiter : waiting) {
      if (Find(waiter, chan, send) >= 0) return &waiter;
    }
    return nullptr;
  }

  bool Ready(const Case& c) const {
    const auto& buffer = buffers[c.chan];
    const bool room = buffer.size() < static_cast<std::size_t>(kCapacities[c.chan]);
    return First(c.chan, !c.send) != nullptr || (c.send ? room : !buffer.empty());
  }

  // The first that waits to do that goes on; returns what it sent.
  int Complete(std::size_t chan, bool send, int received, bool ok) {
    const Waiting& first = *First(chan, send);
    const auto place = &first - waiting.data();
    const int chosen = Find(first, chan, send);
    const int sent = first.cases[static_cast<std::size_t>(chosen)].value;
    for (const Case& c : first.cases) CountTail(first, c, chan, send);
    outcomes.push_back({first.id, send && !ok ? -1 : chosen, send ? 0 : received, ok});
    waiting.erase(waiting.begin() + place);
    return sent;
  }

  void CountTail(const Waiting& loser, const Case& c, std::size_t chan, bool send) {
    if (c.chan == chan && c.send == send) return;
    bool others = false;
    for (const Waiting& other : waiting) {
      if (Find(other, c.chan, c.send) < 0) continue;
      if (&other > &loser) return;
      others |= &other < &loser;
    }
    tails_lost += others;
  }

  // Goroutine `id` does case `chosen`, which is ready.
  void Do(int id, const Case& c, int chosen) {
    auto& buffer = buffers[c.chan];
    const std::size_t place = outcomes.size();
    int value = 0;
    if (c.send) {
      if (First(c.chan, false) != nullptr) {
        Complete(c.chan, false, c.value, true);
      } else {
        buffer.push_back(c.value);
      }
    } else if (!buffer.empty()) {
      value = buffer.front();
      buffer.pop_front();
      if (First(c.chan, true) != nullptr) buffer.push_back(Complete(c.chan, true, 0, true));
    } else {
      value = Complete(c.chan, true, 0, true);
    }
    outcomes.insert(outcomes.begin() + static_cast<std::ptrdiff_t>(place),
                    Outcome{id, chosen, value, true});
  }

  void Close(std::size_t chan) {
    for (const bool send : {false, true}) {
      while (First(chan, send) != nullptr) Complete(chan, send, 0, false);
    }
  }
};

// ---- the program: the model, the real thing, and dice

class Program {
 public:
  explicit Program(std::uint64_t seed) : dice_(seed), bubble_({.seed = seed}) {}

  // Returns how often a case lost at the tail of a queue.
  int Run() {
    bubble_.Run([this] {
      for (std::size_t i = 0; i < chans_.size(); ++i) Make(i);
      for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        Step();
      }
      for (std::size_t i = 0; i < chans_.size(); ++i) Close(i);
      EXPECT_EQ(NumGoroutine(), 1);
    });
    return model_.tails_lost;
  }

 private:
  std::size_t Roll(std::size_t sides) { return dice_() % sides; }
  Case Any() { return {Roll(chans_.size()), Roll(2) == 0, ++last_value_}; }
  void Make(std::size_t i) {
    chans_[i] = MakeChan<int>(static_cast<std::size_t>(kCapacities[i]));
    model_.buffers[i].clear();
  }

  void Step() {
    if (Roll(20) == 0) {
      const std::size_t chan = Roll(chans_.size());
      Close(chan);
      Make(chan);
      return;
    }
    std::vector<Case> cases;
    const bool crowded = model_.waiting.size() >= kMostWaiting;
    for (std::size_t count = crowded ? 1 : 1 + Roll(4); count > 0; --count) cases.push_back(Any());
    Start(std::move(cases), crowded || Roll(4) == 0);
  }

  // A goroutine that does one of the cases, or (polls) nothing if none is ready.
  void Start(const std::vector<Case>& cases, bool polls) {
    const int id = ++last_id_;
    Go([this, id, cases, polls] {
      Outcome outcome{id, -1};
      std::vector<SelectCase> list;
      for (const Case& c : cases) {
        list.push_back(c.send ? Send(chans_[c.chan], c.value)
                              : Recv(chans_[c.chan], &outcome.value, &outcome.ok));
      }
      if (polls) list.push_back(Default());
      try {
        outcome.chosen = Select(std::move(list));
        const auto chosen = static_cast<std::size_t>(outcome.chosen);
        if (chosen < cases.size() && cases[chosen].send) outcome.ok = true;
      } catch (const Panic& panic) {
        EXPECT_STREQ(panic.what(), "send on closed channel");
      }
      outcomes_.push_back(outcome);
    });
    Wait();
    bool ready = false;
    for (const Case& c : cases) ready |= model_.Ready(c);
    if (!ready) {
      if (polls) {
        model_.outcomes.push_back({id, static_cast<int>(cases.size())});
      } else {
        model_.waiting.push_back({id, cases});
      }
      return Check();
    }
    // Any of the ready cases may have been chosen, and only the real thing knows which.
    ASSERT_FALSE(outcomes_.empty());
    const int chosen = outcomes_.front().chosen;
    ASSERT_TRUE(chosen >= 0 && chosen < static_cast<int>(cases.size()));
    const Case& c = cases[static_cast<std::size_t>(chosen)];
    ASSERT_TRUE(model_.Ready(c));
    model_.Do(id, c, chosen);
    Check();
  }

  void Close(std::size_t chan) {
    chans_[chan].Close();
    Wait();
    model_.Close(chan);
    Check();
  }

  void Check() {
    EXPECT_EQ(std::exchange(outcomes_, {}), std::exchange(model_.outcomes, {}));
    EXPECT_EQ(NumGoroutine(), 1 + static_cast<int>(model_.waiting.size()));
    for (std::size_t i = 0; i < chans_.size(); ++i) {
      EXPECT_EQ(chans_[i].Len(), model_.buffers[i].size());
    }
  }

  std::mt19937_64 dice_;
  Model model_;
  int last_id_ = 0;
  int last_value_ = 0;
  std::array<Chan<int>, kCapacities.size()> chans_;
  std::vector<Outcome> outcomes_;
  Bubble bubble_;  // ends first: goroutines use the rest
};

TEST(RandomSelects, DoAsTheNaiveModelDoes) {
  const char* only = std::getenv("AFTERLEAK_SEED");
  const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only != nullptr ? first : kSeeds;
  int tails_lost = 0;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("AFTERLEAK_SEED=" + std::to_string(seed));
    tails_lost += Program(seed).Run();
  }
  std::cout << tails_lost << " cases lost at the tail of a queue" << std::endl;
  EXPECT_TRUE(only != nullptr || tails_lost > static_cast<int>(kSeeds) / 2);
}

}  // namespace
}  // namespace afterleak
