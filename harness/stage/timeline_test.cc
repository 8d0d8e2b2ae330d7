#include "stage/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "afterleak/go/chan.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// A pattern for the tests: its leaky side drops an After of 10 s every second; its
// fixed side sleeps.
Pattern Dropper() {
  return {.name = "dropper",
          .summary = "drops",
          .event = "message",
          .workloads = {{}},
          .stage = [](const Stage& stage) {
            stage.bubble.Go([variant = stage.variant] {
              for (;;) {
                if (variant == Variant::kLeaky) std::ignore = time::After(10s);
                time::Sleep(1s);
              }
            });
          }};
}

// Rooted timers are never abandoned, but these have no bound.
Pattern Grower() {
  Pattern pattern = Dropper();
  pattern.stage = [](const Stage& stage) {
    stage.bubble.Go([] {
      for (;;) {
        time::AfterFunc(1h, [] {});
        time::Sleep(1s);
      }
    });
  };
  return pattern;
}

TEST(Timeline, HasASettledSampleAtZeroAndAtEveryIntervalUntilTheEnd) {
  const Timeline timeline = RunPattern(Dropper(), {.length = 4s, .sample = 2s});
  ASSERT_EQ(timeline.samples.size(), 3u);
  EXPECT_EQ(timeline.samples[0].at, 0s);
  EXPECT_EQ(timeline.samples[0].census.live, 1);
  EXPECT_EQ(timeline.samples[2].at, 4s);
  EXPECT_EQ(timeline.samples[2].census.live, 5);
  EXPECT_EQ(timeline.report.at, Time(4s));
}

TEST(Timeline, RunsToItsEndWhenThatIsNoMultipleOfTheInterval) {
  const Timeline timeline = RunPattern(Dropper(), {.length = 5s, .sample = 2s});
  EXPECT_EQ(timeline.samples.back().at, 4s);
  EXPECT_EQ(timeline.report.at, Time(5s));
  EXPECT_EQ(timeline.report.totals.live, 6);
}

TEST(Timeline, ConservesTimersAtEverySample) {
  for (const Sample& sample : RunPattern(Dropper(), {}).samples)
    EXPECT_TRUE(sample.census.Conserved());
}

TEST(Timeline, CountsTheHeapOfThePatternAndNothingOfItsOwn) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  const Timeline fixed = RunPattern(Dropper(), {.variant = Variant::kFixed});
  EXPECT_EQ(fixed.samples.front().heap.live_blocks, fixed.samples.back().heap.live_blocks);
  const Timeline leaky = RunPattern(Dropper(), {});
  EXPECT_EQ(leaky.samples[5].heap.live_blocks - leaky.samples[0].heap.live_blocks, 5);
}

TEST(Timeline, IsTheSameOnEveryRun) {
  const RunOptions options{.length = 30s};
  EXPECT_EQ(ToJson(RunPattern(Dropper(), options)), ToJson(RunPattern(Dropper(), options)));
  EXPECT_EQ(ToCsv(RunPattern(Dropper(), options)), ToCsv(RunPattern(Dropper(), options)));
}

TEST(Timeline, EndsEarlyWhenAskedTo) {
  std::stop_source stop;
  Pattern pattern = Dropper();
  pattern.stage = [&](const Stage& stage) {
    stage.bubble.At(Time(5s), [&] { stop.request_stop(); });
  };
  const Timeline timeline = RunPattern(pattern, {.length = 1h}, stop.get_token());
  EXPECT_TRUE(timeline.interrupted);
  EXPECT_EQ(timeline.report.at, Time(5s));
  EXPECT_EQ(timeline.samples.size(), 5u);
  // Nothing was seen to leak, which does not mean that nothing would have.
  const auto json = nlohmann::json::parse(ToJson(timeline));
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_EQ(json["verdict"], nullptr);
  EXPECT_EQ(json["samples"].size(), 5u);
}

TEST(Timeline, ALeakThatWasSeenBeforeTheEndIsALeak) {
  std::stop_source stop;
  Pattern pattern = Dropper();
  pattern.stage = [&, stage_it = pattern.stage](const Stage& stage) {
    stage_it(stage);
    stage.bubble.At(Time(5s), [&] { stop.request_stop(); });
  };
  const Timeline timeline = RunPattern(pattern, {.length = 1h}, stop.get_token());
  EXPECT_TRUE(timeline.interrupted);
  EXPECT_EQ(nlohmann::json::parse(ToJson(timeline))["verdict"], "leak");
}

TEST(Timeline, PassesOnWhatThePatternThrows) {
  Pattern pattern = Dropper();
  pattern.stage = [](const Stage& stage) {
    stage.bubble.Go([] { throw std::runtime_error("broken pattern"); });
  };
  EXPECT_THROW(RunPattern(pattern, {}), std::runtime_error);
}

TEST(Judged, AnAbandonedTimerIsALeakAlsoBetweenTwoSamples) {
  for (const Duration sample : {1s, 60s}) {
    const Timeline timeline = RunPattern(Dropper(), {.sample = sample});
    ASSERT_EQ(timeline.findings.size(), 1u);
    EXPECT_EQ(timeline.findings[0].leak, Leak::kAbandoned);
    EXPECT_EQ(timeline.findings[0].count, 10);
    EXPECT_EQ(Conclusion(timeline), "nobody can hear 10 of at most 10 live timers");
  }
}

TEST(Judged, TimersThatAreCollectedAreNone) {
  EXPECT_FALSE(Leaks(RunPattern(Dropper(), {.bubble = {.timers = TimerMode::kGo123}})));
}

TEST(Judged, GrowthWithoutABoundIsALeakAlsoOfRootedTimers) {
  const Timeline timeline = RunPattern(Grower(), {});
  ASSERT_EQ(timeline.findings.size(), 1u);
  EXPECT_EQ(timeline.findings[0].leak, Leak::kGrowing);
  EXPECT_EQ(timeline.findings[0].count, 61);
  EXPECT_THAT(Conclusion(timeline), testing::EndsWith(" grows to 61"));
}

TEST(Judged, AFlatRunIsBoundedByItsExactPeak) {
  Pattern pattern = Dropper();
  pattern.stage = [](const Stage& stage) {
    stage.bubble.Go([] {
      for (;;) {
        std::vector<time::ScopedTimer> between_two_samples;
        for (int i = 0; i < 7; ++i) between_two_samples.emplace_back(10s);
        between_two_samples.clear();
        time::Sleep(1s);
      }
    });
  };
  const Timeline timeline = RunPattern(pattern, {});
  EXPECT_FALSE(Leaks(timeline));
  EXPECT_EQ(Conclusion(timeline), "never more than 7 live, none abandoned");
}

TEST(Judged, WhatIsAllowedIsNoFinding) {
  RunOptions options;
  options.allowed.At("timeline_test.cc", 10);
  EXPECT_EQ(Conclusion(RunPattern(Dropper(), options)),
            "never more than 10 live, 10 allowed to be abandoned");
  EXPECT_FALSE(Leaks(RunPattern(Dropper(), options)));
  options.allowed.At("timeline_test.cc", 9);
  EXPECT_TRUE(Leaks(RunPattern(Dropper(), options)));
}

// A host that does a piece of work for each event, until the load ends; some of it may be left.
Pattern Host(bool leave) {
  Pattern pattern = Dropper();
  pattern.stage = [leave](const Stage& stage) {
    Chan<Unit> work;
    stage.bubble.Run([&] { work = MakeChan<Unit>(1); });
    stage.bubble.Go([=] {
      for ([[maybe_unused]] const Unit& piece : work) {
        if (leave) Go([] { time::Sleep(1h); });
      }
    });
    Schedule(
        stage.bubble, stage.workload, [work] { work.TrySend({}); }, stage.load_ends,
        [work]() mutable { work.Close(); });
  };
  return pattern;
}

TEST(Judged, WhatIsAliveAfterTheLoadHasEndedIsLeftBehindIfThatIsAsked) {
  RunOptions options{.workload = ParseWorkload("busy:1/s"), .length = 10s};
  EXPECT_EQ(RunPattern(Host(true), options).findings[0].leak, Leak::kGrowing);
  options.ask_left_behind = true;
  EXPECT_THAT(RunPattern(Host(false), options).findings, testing::IsEmpty());
  const Timeline timeline = RunPattern(Host(true), options);
  EXPECT_EQ(timeline.findings.back().leak, Leak::kLeftBehind);
  EXPECT_EQ(timeline.findings.back().kind, "goroutine");
  EXPECT_EQ(timeline.findings.back().count, 10);
  options.ask_left_behind = false;  // the rest is as if it had not been asked
  EXPECT_EQ(ToCsv(timeline), ToCsv(RunPattern(Host(true), options)));
}

TEST(Timeline, TheCsvHasAHeadingAndALineForEachSample) {
  const std::string csv = ToCsv(RunPattern(Dropper(), {.length = 1s, .sample = 500ms}));
  EXPECT_THAT(csv, StartsWith("t_s,live,abandoned,rooted,armed,fired,stopped,collected,ticks"));
  EXPECT_THAT(csv, HasSubstr("\n0,1,1,0,1,0,0,0,0"));
  EXPECT_THAT(csv, HasSubstr("\n0.5,1,1,0,1,0,0,0,0"));
  EXPECT_THAT(csv, HasSubstr("\n1,2,2,0,2,0,0,0,0"));
}

TEST(Timeline, TheJsonHoldsOptionsSamplesSitesAndVerdict) {
  const auto json = nlohmann::json::parse(ToJson(RunPattern(Dropper(), {.length = 10s})));
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["findings"][0]["leak"], "abandoned");
  EXPECT_EQ(json["findings"][0]["file"], json["sites"][0]["file"]);
  EXPECT_EQ(json["pattern"], "dropper");
  EXPECT_EQ(json["workload"], "idle");
  EXPECT_EQ(json["verdict"], "leak");
  EXPECT_EQ(json["samples"].size(), 11u);
  EXPECT_EQ(json["sites"][0]["kind"], "time::After");
  EXPECT_EQ(json["sites"][0]["live"], 10);
}

}  // namespace
}  // namespace afterleak
