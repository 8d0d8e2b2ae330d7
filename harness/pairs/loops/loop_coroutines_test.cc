// looping_select on Asio's coroutines: what loses against `||` is cancelled by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "afterleak/loops/testing.h"
#include "pairs/loops/loop_stage.h"
#include "pairs/loops/loop_test.h"
#include "pairs/staged.h"

namespace pairs {
namespace {

using namespace afterleak;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Coroutines : public testing::TestWithParam<const char*> {};

TEST_P(Coroutines, HaveTwoTimersLiveAtEverySecondAndEndAt30AsThePortDoes) {
  const RunOptions options = Options(Variant::kFixed, GetParam());
  const Inventory before = loops::Alive();
  const LoopRun run = RunOnLoop(MakeHostOfCoroutines, "looping_select", options);
  EXPECT_TRUE(loops::NothingLeftSince(before));
  EXPECT_EQ(Live(run.timeline), Live(RunPattern(Find("looping_select"), options)));
  for (int second = 0; second <= 60; ++second)
    EXPECT_EQ(LiveAt(run.timeline, second), second < 30 ? 2 : 0);
  EXPECT_THAT(run.timeline.findings, IsEmpty());

  const Did port = DidOnPort("looping_select", options);
  EXPECT_EQ(run.did.heard, port.heard);
  EXPECT_EQ(run.did.returned, port.returned);
  // Each turn arms a timer, as on the leaky side, and the turn that ends has cancelled it.
  EXPECT_EQ(run.timeline.report.totals.armed, 2 + run.did.heard + run.did.polled);
  // The port's ticker polls also where messages come; this polls where none has come for 3 s.
  EXPECT_EQ(run.did.polled, options.workload.kind == Workload::Kind::kBusy ? 0 : 9);
}

INSTANTIATE_TEST_SUITE_P(, Coroutines, testing::Values("idle", "busy:1/s", "busy:100/s"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::erase_if(name, [](char c) { return !isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace pairs
