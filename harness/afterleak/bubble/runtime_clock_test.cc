// What makes time pass: the driver of the virtual clock, and the thread of the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/afterleak.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr Bubble::Options kReal{.clock = ClockKind::kReal};

// ---- the virtual clock

TEST(VirtualClock, StopsForASampleWhereNothingElseIsDue) {
  std::vector<Time> seen;
  Bubble bubble;
  bubble.SampleAt(Time(1s), [&] { seen.push_back(bubble.Now()); });
  bubble.SampleAt(Time(3s), [&] { seen.push_back(bubble.Now()); });
  bubble.AdvanceTo(2s);
  EXPECT_THAT(seen, ElementsAre(Time(1s)));
  bubble.Run([] { time::Sleep(8s); });
  EXPECT_THAT(seen, ElementsAre(Time(1s), Time(3s)));
}

TEST(VirtualClock, FiresWhatIsDueWhenNoGoroutineCanRunAnyMore) {
  std::string trace;
  std::function<void(char)> next = [&](char name) {
    trace += name;
    if (name < 'z') Go([&, name] { next(static_cast<char>(name + 1)); });
  };
  Bubble bubble;
  bubble.Run([&] {
    time::AfterFunc(0s, [&] { trace += " timer"; });
    next('a');
    time::Sleep(1s);
  });
  EXPECT_EQ(trace, "abcdefghijklmnopqrstuvwxyz timer");
}

TEST(VirtualClock, ShuffledFiresAnyNumberOfTimersBeforeAGoroutineRuns) {
  std::set<int> outcomes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    int fired = 0;  // when the first callback runs
    Bubble bubble({.seed = seed, .shuffle = true});
    bubble.Run([&] {
      std::vector<time::Timer> timers;
      for (int i = 0; i < 3; ++i) {
        timers.push_back(time::AfterFunc(1s, [&] {
          if (fired == 0) fired = std::ranges::count_if(timers, [](auto& t) { return !t.Stop(); });
        }));
      }
      time::Sleep(2s);
    });
    outcomes.insert(fired);
  }
  EXPECT_THAT(outcomes, ElementsAre(1, 2, 3));
}

// ---- the real clock

TEST(MachineClock, WakesForAnEventThatComesWhileItSleeps) {
  Bubble bubble(kReal);
  bubble.At(Time(), [] {});
  bubble.Advance(0s);  // after that the clock has nothing to wait for
  bool ran = false;
  bubble.At(Time(), [&] { ran = true; });
  bubble.Advance(0s);
  EXPECT_TRUE(ran);
}

TEST(MachineClock, AdvanceReturnsWhenTheEventsAndSamplesDueThereHaveRun) {
  for (int round = 0; round < 40; ++round) {
    std::atomic<bool> ran = false;
    Bubble bubble(kReal);
    const Time soon = bubble.Now() + 2ms;
    if (round % 2 == 0) {
      bubble.At(soon, [&] { ran = true; });
    } else {
      bubble.SampleAt(soon, [&] { ran = true; });
    }
    bubble.AdvanceTo(std::max(soon, bubble.Now()));  // it may have been too late for `soon`
    ASSERT_TRUE(ran);
  }
}

TEST(MachineClock, AdvanceReturnsAsSoonAsTheEventThatIsRunningDoes) {
  std::atomic<bool> runs = false, done = false;
  Bubble bubble(kReal);
  bubble.At(Time(), [&] {
    runs = true;
    std::this_thread::sleep_for(20ms);  // Advance is waiting by then
    done = true;
  });
  while (!runs) std::this_thread::yield();
  bubble.Advance(0s);
  EXPECT_TRUE(done);
}

// Up to 50 ms: a goroutine that takes longer is not waited for.
TEST(MachineClock, ASampleWaitsForTheGoroutinesToBlock) {
  std::atomic<bool> runs = false, done = false;
  bool all_blocked = false;
  Time sampled;
  Bubble bubble(kReal);
  bubble.Go([&] {
    runs = true;
    std::this_thread::sleep_for(10ms);
    done = true;
    Select({});
  });
  while (!runs) std::this_thread::yield();
  const Time before = bubble.Now();
  bubble.SampleAt(Time(), [&] {
    all_blocked = done;
    sampled = bubble.Now();
  });
  bubble.Advance(0s);
  EXPECT_TRUE(all_blocked || sampled >= before + 50ms);
}

}  // namespace
}  // namespace afterleak
