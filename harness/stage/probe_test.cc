// What Valgrind's tools are told is tested where they run: harness/evidence/detectors/.
#include "stage/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "stage/timeline.h"

namespace {

bool running = false;
std::vector<std::string> dumps;

}  // namespace

// Replaces gperftools.
extern "C" int IsHeapProfilerRunning() { return running ? 1 : 0; }
extern "C" void HeapProfilerDump(const char* reason) { dumps.emplace_back(reason); }

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Probe, SaysNothingToAToolThatDoesNotRun) {
  dumps.clear();
  running = false;
  probe::Checkpoint(30s);
  EXPECT_THAT(dumps, IsEmpty());
}

TEST(Probe, GivesTheHeapProfilerTheInstantAsItsReason) {
  dumps.clear();
  running = true;
  probe::Checkpoint(0s);
  probe::Checkpoint(500ms);
  probe::Checkpoint(90s);
  EXPECT_THAT(dumps, ElementsAre("0s", "0.5s", "90s"));
}

TEST(Probe, IsCalledAtTheSettledInstantsOfARun) {
  dumps.clear();
  running = true;
  // Everything that happens at the instant of a checkpoint, and whatever follows from
  // it, comes first.
  const auto events = [](const Stage& stage) {
    stage.bubble.At(Time(2s), [&bubble = stage.bubble] {
      bubble.At(Time(2s), [] { dumps.emplace_back("event at 2s"); });
    });
  };
  const Pattern idle = {
      .name = "idle", .summary = "", .event = "", .workloads = {}, .stage = events};
  RunPattern(idle, {.length = 4s, .checkpoints = {4s, 0s, 2s}});
  EXPECT_THAT(dumps, ElementsAre("0s", "event at 2s", "2s", "4s"));
}

}  // namespace
}  // namespace afterleak
