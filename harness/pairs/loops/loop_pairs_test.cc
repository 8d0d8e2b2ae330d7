// The pairs on the event loop of this program, beside those of the Go-like port: what is live is
// the same to the last timer, at every second.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <tuple>

#include "afterleak/loops/testing.h"
#include "pairs/loops/loop_stage.h"
#include "pairs/loops/loop_test.h"
#include "pairs/staged.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kLeaky = Variant::kLeaky;
constexpr auto kFixed = Variant::kFixed;

// Runs on this program's loop. Whatever leaks has fired at the end, and is closed or freed.
LoopRun RunHere(std::string_view pattern, const RunOptions& options) {
  const Inventory before = loops::Alive();
  LoopRun run = RunOnLoop(kLoopLibrary, pattern, options);
  EXPECT_TRUE(loops::NothingLeftSince(before));
  return run;
}

// ---- side by side with the port

struct Case {
  const char* pattern;
  const char* workload;
};

class SameAsThePort : public testing::TestWithParam<std::tuple<Variant, Case>> {};

// How often the fixed looping_select polls in its 30 s. The deadline is due with the tenth tick: Go
// hears the ticker first, and so does GLib, which calls back in the order in which sources were
// attached. With libuv the deadline was started earlier, since a tick starts its timer again;
// libevent's and Asio's heaps have no order at one instant, and it comes first there, too.
std::size_t Polls() { return kLoopLibrary == "glib" ? 10 : 9; }

TEST_P(SameAsThePort, InWhatIsLiveAtEverySecondAndInWhatItDoes) {
  const auto& [side, tested] = GetParam();
  const RunOptions options = Options(side, tested.workload);
  const Timeline port = RunPattern(Find(tested.pattern), options);
  const LoopRun loop = RunHere(tested.pattern, options);
  EXPECT_THAT(loop.timeline.samples, SizeIs(61));
  EXPECT_EQ(Live(loop.timeline), Live(port));
  for (const Sample& sample : loop.timeline.samples) EXPECT_TRUE(sample.census.Conserved());
  // Asio has no timer that repeats: each tick ends a wait, and begins another.
  const std::string_view pattern = tested.pattern;
  const bool ticker = side == kFixed && (pattern == "looping_select" || pattern == "early_return");
  if (kLoopLibrary != "asio" || !ticker) {
    EXPECT_EQ(Ledger(loop.timeline), Ledger(port));
  }

  Did did = DidOnPort(tested.pattern, options);
  EXPECT_EQ(loop.did.heard, did.heard);
  EXPECT_EQ(loop.did.returned, did.returned);
  if (ticker && pattern == "looping_select") {
    EXPECT_THAT(did.polled, SizeIs(10));
    did.polled.resize(Polls());
  }
  EXPECT_EQ(loop.did.polled, did.polled) << "at the same instants";
}

std::string NameOf(const Case& tested) {
  std::string name = fmt::format("{}_{}", tested.pattern, tested.workload);
  std::erase_if(name, [](char c) { return c == ':' || c == '/' || c == '@'; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    , SameAsThePort,
    testing::Combine(
        testing::Values(kLeaky, kFixed),
        testing::Values(Case{"looping_select", "idle"}, Case{"looping_select", "message@1s"},
                        Case{"looping_select", "busy:1/s"}, Case{"looping_select", "busy:100/s"},
                        Case{"idle_timeout", "idle"}, Case{"idle_timeout", "message@1s"},
                        Case{"idle_timeout", "busy:1/s"}, Case{"idle_timeout", "busy:100/s"},
                        Case{"early_return", "idle"}, Case{"early_return", "message@0s"},
                        Case{"early_return", "busy:1/s"}, Case{"early_return", "busy:100/s"},
                        Case{"signal_before_expiry", "signal@1s"},
                        Case{"signal_before_expiry", "busy:1/s"},
                        Case{"signal_before_expiry", "busy:2/s"})),
    [](const auto& tested) {
      return fmt::format("{}_{}", ToString(std::get<0>(tested.param)),
                         NameOf(std::get<1>(tested.param)));
    });

// ---- the well-known numbers

TEST(LoopingSelectOnALoop, LeakyIdleHasElevenLiveFrom27SecondsOn) {
  const Timeline run = RunHere("looping_select", Options(kLeaky, "idle")).timeline;
  for (int second = 0; second <= 60; ++second)
    EXPECT_EQ(LiveAt(run, second), 2 + std::min(second / 3, 9)) << "at " << second << " s";
}

TEST(LoopingSelectOnALoop, FixedIdleHasTwoLiveAndEndsAt30Seconds) {
  const LoopRun run = RunHere("looping_select", Options(kFixed, "idle"));
  for (int second = 0; second < 30; ++second) EXPECT_EQ(LiveAt(run.timeline, second), 2);
  for (int second = 30; second <= 60; ++second) EXPECT_EQ(LiveAt(run.timeline, second), 0);
  EXPECT_THAT(run.did.returned, ElementsAre(30s));
}

TEST(PairsOnALoop, LeakyHolds33TimersForEachMessageASecond) {
  for (const char* const pattern : {"looping_select", "early_return"}) {
    const Timeline run = RunHere(pattern, Options(kLeaky, "busy:100/s", 31s)).timeline;
    for (const int second : {30, 31}) EXPECT_EQ(LiveAt(run, second), 3300) << pattern;
  }
}

TEST(PairsOnALoop, IdleTimeoutHoldsOneTimerForEachMessageOfThirtySecondsAndFixedOne) {
  for (const int rate : {1, 100}) {
    const RunOptions options = Options(kLeaky, fmt::format("busy:{}/s", rate), 31s);
    const LoopRun leaky = RunHere("idle_timeout", options);
    EXPECT_EQ(leaky.did.heard, 31 * rate);
    for (const int second : {30, 31}) EXPECT_EQ(LiveAt(leaky.timeline, second), 30 * rate);

    const LoopRun fixed =
        RunHere("idle_timeout", Options(kFixed, options.workload.ToString(), 31s));
    EXPECT_EQ(fixed.did.heard, 31 * rate);
    for (int second = 0; second <= 31; ++second) EXPECT_EQ(LiveAt(fixed.timeline, second), 1);
  }
}

TEST(IdleTimeoutOnALoop, SeesEveryIdleMomentAtItsInstant) {
  for (const Variant side : {kLeaky, kFixed}) {
    EXPECT_THAT(RunHere("idle_timeout", Options(side, "message@10s", 101s)).did.polled,
                ElementsAre(40s, 70s, 100s));
  }
}

TEST(PairsOnALoop, EveryRealSignalEndsASessionAndTheLeakySideHoldsTheTimersOfThirtySeconds) {
  for (const int rate : {1, 2, 100}) {
    const RunOptions options = Options(kLeaky, fmt::format("busy:{}/s", rate), 40s);
    const LoopRun leaky = RunHere("signal_before_expiry", options);
    EXPECT_EQ(leaky.did.heard, 40 * rate);
    for (const int second : {30, 31, 40}) EXPECT_EQ(LiveAt(leaky.timeline, second), 30 * rate);

    const LoopRun fixed =
        RunHere("signal_before_expiry", Options(kFixed, options.workload.ToString(), 40s));
    EXPECT_EQ(fixed.did.heard, 40 * rate);
    for (int second = 0; second <= 40; ++second) EXPECT_EQ(LiveAt(fixed.timeline, second), 1);
  }
}

// ---- what the judge finds

// What a leaky side calls to arm.
std::string_view Arming() {
  return kLoopLibrary == "libuv"      ? "uv_timer_start"
         : kLoopLibrary == "libevent" ? "event_"  // event_base_once, event_add
         : kLoopLibrary == "glib"     ? "g_timeout_add"
                                      : "async_wait";
}

class Judged : public testing::TestWithParam<Case> {};

TEST_P(Judged, TheLeakySideLeavesAllThatIsLiveBehindAndTheLinesThatArmAreNamed) {
  const auto& [pattern, workload] = GetParam();
  const Timeline run = RunHere(pattern, Options(kLeaky, workload, 20s)).timeline;
  std::int64_t left = 0;
  for (const Finding& finding : Of(Leak::kLeftBehind, run)) {
    left += finding.count;
    EXPECT_EQ(finding.file, fmt::format("leaky/{}/{}.cc", kLoopLibrary, pattern));
    EXPECT_THAT(LineOf(finding), HasSubstr(Arming())) << finding.line;
  }
  EXPECT_GT(left, 0);
  EXPECT_EQ(left, run.samples.back().census.live) << "nothing stops one, also when the load ends";
  EXPECT_EQ(run.report.totals.peak_abandoned, 0) << "a loop keeps its timers for their callbacks";
}

TEST_P(Judged, TheFixedSideIsSilent) {
  const auto& [pattern, workload] = GetParam();
  for (const Duration length : {20s, 60s}) {
    const Timeline run = RunHere(pattern, Options(kFixed, workload, length)).timeline;
    EXPECT_THAT(run.findings, IsEmpty());
    EXPECT_GT(run.report.totals.armed, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Judged,
    testing::Values(Case{"looping_select", "idle"}, Case{"looping_select", "busy:10/s"},
                    Case{"early_return", "message@1s"}, Case{"early_return", "busy:10/s"},
                    Case{"idle_timeout", "message@1s"}, Case{"idle_timeout", "busy:10/s"},
                    Case{"signal_before_expiry", "signal@1s"},
                    Case{"signal_before_expiry", "busy:2/s"}),
    [](const auto& tested) { return NameOf(tested.param); });

// After thirty seconds they have fired, and nothing is left when the run ends.
TEST(PairsOnALoop, WhatTheOnlyCallLeavesIsFoundHoweverLongTheRunIs) {
  for (const auto& [pattern, workload] :
       {Case{"early_return", "message@0s"}, Case{"signal_before_expiry", "signal@1s"}}) {
    const Timeline run = RunHere(pattern, Options(kLeaky, workload)).timeline;
    EXPECT_EQ(LiveAt(run, 60), 0);
    EXPECT_THAT(Of(Leak::kLeftBehind, run),
                SizeIs(pattern == std::string_view("early_return") ? 2 : 1));
    EXPECT_THAT(RunHere(pattern, Options(kFixed, workload)).timeline.findings, IsEmpty());
  }
}

TEST(PairsOnALoop, TheLeakySideGrowsUntilAsManyFireAsAreArmed) {
  for (const Case& grows : {Case{"looping_select", "idle"}, Case{"looping_select", "busy:10/s"},
                            Case{"early_return", "busy:10/s"}, Case{"idle_timeout", "busy:10/s"},
                            Case{"signal_before_expiry", "busy:2/s"}}) {
    const auto& [pattern, workload] = grows;
    const auto rising =
        Of(Leak::kGrowing, RunHere(pattern, Options(kLeaky, workload, 30s)).timeline);
    EXPECT_THAT(rising, SizeIs(1)) << pattern << ": the timer of 30 s, and not that of 3 s";
    for (const Finding& finding : rising)
      EXPECT_EQ(finding.file, fmt::format("leaky/{}/{}.cc", kLoopLibrary, pattern));
    EXPECT_THAT(Of(Leak::kGrowing, RunHere(pattern, Options(kLeaky, workload, 120s)).timeline),
                IsEmpty())
        << pattern << ": a plateau";
  }
}

}  // namespace
}  // namespace pairs
