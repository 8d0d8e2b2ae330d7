#include "stage/trace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "afterleak/afterleak.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Every second it drops an After of 10 s. It stops one timer and keeps one ticker.
Pattern TickingDropper() {
  return {.name = "dropper",
          .summary = "drops",
          .event = "message",
          .workloads = {{}},
          .stage = [](const Stage& stage) {
            stage.bubble.Go([] {
              const time::ScopedTicker ticker(2s);
              time::NewTimer(1h).Stop();
              for (;;) {
                std::ignore = time::After(10s);
                time::Sleep(1s);
              }
            });
          }};
}

class TraceTest : public testing::Test {
 protected:
  std::vector<json> Events(const std::string& phase) const {
    std::vector<json> events;
    for (const json& event : trace_["traceEvents"])
      if (event["ph"] == phase) events.push_back(event);
    return events;
  }

  const Timeline run_ = RunPattern(TickingDropper(), {.length = 20s, .bubble = {.journal = true}});
  const json trace_ = json::parse(ToTrace({run_, run_}));
};

TEST_F(TraceTest, HasOneSliceForEachTimerNamedAfterItsEnd) {
  std::map<std::string, int> names;
  for (const json& slice : Events("X")) ++names[slice["name"]];
  // In each of two runs: of 21 timers of 10 s, those armed until 10 s have fired.
  EXPECT_EQ(names,
            (std::map<std::string, int>{{"fired unheard", 22}, {"live", 22}, {"stopped", 2}}));
}

TEST_F(TraceTest, ASliceGoesFromArmingToEndAndNamesItsLine) {
  const std::vector<json> slices = Events("X");
  const json& after = slices.at(2);
  EXPECT_EQ(after["ts"], 0);
  EXPECT_EQ(after["dur"], 10'000'000);
  EXPECT_EQ(after["args"]["deadline"], "10s");
  EXPECT_EQ(after["args"]["abandoned"], "0s");
  EXPECT_NE(after["args"]["armed by"].get<std::string>().find("trace_test.cc:"), std::string::npos);
  EXPECT_NE(after["cname"], slices.at(1)["cname"]) << "stopped has another colour than unheard";
}

TEST_F(TraceTest, SlicesOfOneLaneDoNotOverlap) {
  std::map<std::pair<int, int>, double> free_from;
  for (const json& slice : Events("X")) {
    double& free = free_from[{slice["pid"], slice["tid"]}];
    EXPECT_GE(slice["ts"].get<double>(), free);
    free = slice["ts"].get<double>() + slice["dur"].get<double>();
  }
  // A ticker, a stopped timer, and ten or eleven lanes for the timers of 10 s.
  EXPECT_EQ(free_from.size(), 2u * 12);
}

TEST_F(TraceTest, RunsAreProcessesWithCountersAndTicks) {
  EXPECT_EQ(Events("C").size(), 2u * 21);
  EXPECT_EQ(Events("C").back()["args"]["live"], 11);
  EXPECT_EQ(Events("C").back()["args"]["abandoned"], 10);
  EXPECT_EQ(Events("i").size(), 2u * 10);
  EXPECT_EQ(Events("M")[0]["args"]["name"], "leaky dropper, idle");
}

}  // namespace
}  // namespace afterleak
