// Other schedules: what shuffle may change and what not, and finding the seed that shows a bug.
#include "afterleak/bubble/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "afterleak/afterleak.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// What `main` records in each of 200 schedules.
std::set<std::string> Outcomes(const std::function<void(std::string&)>& main) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::string trace;
    Bubble bubble({.seed = seed, .shuffle = true});
    bubble.Run([&] { main(trace); });
    outcomes.insert(trace);
  }
  return outcomes;
}

TEST(Shuffle, RunsGoroutinesInEveryOrder) {
  EXPECT_THAT(Outcomes([](std::string& trace) {
                for (const char name : {'a', 'b', 'c'}) Go([&trace, name] { trace += name; });
                Wait();
              }),
              ElementsAre("abc", "acb", "bac", "bca", "cab", "cba"));
}

TEST(Shuffle, FiresTheTimersOfOneInstantInEveryOrder) {
  EXPECT_THAT(Outcomes([](std::string& trace) {
                const auto a = time::After(1s), b = time::After(1s);
                for (int i = 0; i < 2; ++i) trace += Select({Recv(a), Recv(b)}) == 0 ? 'a' : 'b';
              }),
              ElementsAre("ab", "ba"));
}

TEST(Shuffle, LetsAGoroutineRunBeforeTheLastTimerOfItsInstantFires) {
  EXPECT_THAT(Outcomes([](std::string& trace) {
                const time::Timer timer = time::NewTimer(1s);
                time::Sleep(1s);
                trace = timer.Stop() ? "stopped" : "fired";
              }),
              ElementsAre("fired", "stopped"));
}

TEST(Shuffle, KeepsTimeAndTheOrderOfInstantsAndEventsAfterTimers) {
  EXPECT_THAT(Outcomes([](std::string& trace) {
                for (const Duration delay : {3s, 1s, 2s}) {
                  time::AfterFunc(delay, [&trace] {
                    trace += std::to_string(time::Now().time_since_epoch() / 1s);
                  });
                }
                Bubble::Current().At(Time(2s), [&] { trace += "e"; });
                Bubble::Current().SampleAt(Time(2s), [&] { trace += "s"; });
                time::Sleep(4s);
              }),
              ElementsAre("12es3"));
}

TEST(Shuffle, IsTheSameForTheSameSeed) {
  const auto run = [](std::uint64_t seed) {
    std::vector<int> trace;
    Bubble bubble({.seed = seed, .shuffle = true});
    bubble.Run([&] {
      for (int g = 0; g < 5; ++g) {
        Go([&trace, g] {
          for (int i = 0; i < 10; ++i) time::After(1ms).Recv(), trace.push_back(g);
        });
      }
      time::Sleep(1s);
    });
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Shuffle, IsOffUnlessAskedFor) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::string trace;
    Bubble bubble({.seed = seed});
    bubble.Run([&] {
      for (const char name : {'a', 'b', 'c'}) Go([&trace, name] { trace += name; });
      Wait();
    });
    EXPECT_EQ(trace, "abc");
  }
}

// A lease is renewed at the very instant at which it expires. The holder stops the timer and goes
// on; `careful` says whether it looks if it was in time.
void RenewALease(bool careful) {
  const auto held = std::make_shared<bool>(true);
  const time::Timer expiry = time::AfterFunc(3s, [held] { *held = false; });
  time::Sleep(3s);
  if (!expiry.Stop() && careful) return;  // too late: it is another one's
  Wait();                                 // the work under the lease
  if (!*held) throw std::logic_error("worked without the lease");
}

TEST(Explore, FindsACancelAtTheDueInstantWithinAHundredSeedsAndPassesItsFix) {
  const auto run = [](bool careful) {
    return [careful](Bubble& bubble) { bubble.Run([&] { RenewALease(careful); }); };
  };
  testing::internal::CaptureStderr();
  const std::optional<std::uint64_t> seed = Explore(100, run(false));
  const std::string printed = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(seed.has_value());
  EXPECT_EQ(printed, "seed " + std::to_string(*seed) + " fails: worked without the lease\n");
  Bubble replay({.seed = *seed, .shuffle = true});
  EXPECT_THROW(run(false)(replay), std::logic_error);
  EXPECT_EQ(Explore(100, run(true)), std::nullopt);
}

// The same the other way round: only the order that a bubble does not take by itself is wrong.
TEST(Explore, FindsWhatTheUsualOrderHides) {
  const auto test = [](Bubble& bubble) {
    bubble.Run([] {
      const time::Timer timer = time::NewTimer(1s);
      time::Sleep(1s);
      if (timer.Stop()) throw std::logic_error("nobody drains it");
    });
  };
  Bubble usual;
  EXPECT_NO_THROW(test(usual));
  testing::internal::CaptureStderr();
  EXPECT_TRUE(Explore(100, test).has_value());
  testing::internal::GetCapturedStderr();
}

TEST(Explore, StartsAtTheSeedOfItsOptionsAndKeepsThem) {
  std::vector<std::uint64_t> seeds;
  EXPECT_EQ(Explore(3,
                    [&](Bubble& bubble) {
                      seeds.push_back(bubble.options().seed);
                      EXPECT_TRUE(bubble.options().shuffle);
                      EXPECT_EQ(bubble.options().timers, TimerMode::kGo123);
                    },
                    {.timers = TimerMode::kGo123, .seed = 7}),
            std::nullopt);
  EXPECT_THAT(seeds, ElementsAre(7, 8, 9));
}

TEST(Explore, StopsAtTheFirstSeedThatFailsHowever) {
  int runs = 0;
  testing::internal::CaptureStderr();
  EXPECT_EQ(Explore(9, [&](Bubble&) { ++runs; }, {}, [&] { return runs == 4; }), 4u);
  EXPECT_EQ(Explore(9, [](Bubble& bubble) { bubble.Run([] { throw 1; }); }), 1u);
  EXPECT_EQ(Explore(9, [](Bubble& bubble) { bubble.Run([] { Select({}); }); }), 1u);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::StartsWith("seed 4 fails: as reported above\n"
                                  "seed 1 fails: something was thrown that is no std::exception\n"
                                  "seed 1 fails: all goroutines are asleep - deadlock!"));
}

}  // namespace
}  // namespace afterleak
