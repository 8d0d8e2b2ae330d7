// looping_select and idle_timeout on Asio's coroutines: what loses against `||` is cancelled by it.
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
using testing::SizeIs;

class Coroutines : public testing::TestWithParam<const char*> {};

TEST_P(Coroutines, HaveTwoTimersLiveAtEverySecondAndEndAt30AsThePortDoes) {
  const RunOptions options = Options(Variant::kFixed, GetParam());
  const Inventory before = loops::Alive();
  const LoopRun run = RunOnLoop("coroutines", "looping_select", options);
  EXPECT_TRUE(loops::NothingLeftSince(before));
  EXPECT_EQ(Live(run.timeline), Live(RunPattern(Find("looping_select"), options)));
  for (int second = 0; second <= 60; ++second)
    EXPECT_EQ(LiveAt(run.timeline, second), second < 30 ? 2 : 0);
  EXPECT_THAT(run.timeline.findings, IsEmpty());

  const Did port = DidOnPort("looping_select", options);
  EXPECT_EQ(run.did.heard, port.heard);
  EXPECT_EQ(run.did.returned, port.returned);
  // The port's ticker polls also where messages come; this polls where none has come for 3 s.
  const bool busy = options.workload.kind == Workload::Kind::kBusy;
  EXPECT_THAT(run.did.polled, SizeIs(busy ? 0 : 10));
  // Each turn arms a timer, as on the leaky side, and cancels it when a message comes first. After
  // the last poll, at 30 s, there is no turn any more.
  const CensusTotals totals = run.timeline.report.totals;
  EXPECT_EQ(totals.armed, busy ? 2 + run.did.heard : 1 + 10);
  EXPECT_EQ(totals.stopped, busy ? run.did.heard + 1 : 0);
  EXPECT_EQ(totals.fired, busy ? 1 : 1 + 10);
}

TEST_P(Coroutines, OfIdleTimeoutHoldOneTimerAndDoWhatThePortDoes) {
  const RunOptions options = Options(Variant::kFixed, GetParam());
  const Inventory before = loops::Alive();
  const LoopRun run = RunOnLoop("coroutines", "idle_timeout", options);
  EXPECT_TRUE(loops::NothingLeftSince(before));
  const Timeline port = RunPattern(Find("idle_timeout"), options);
  EXPECT_EQ(Live(run.timeline), Live(port));
  EXPECT_EQ(Ledger(run.timeline), Ledger(port));
  for (int second = 0; second <= 60; ++second) EXPECT_EQ(LiveAt(run.timeline, second), 1);
  EXPECT_THAT(run.timeline.findings, IsEmpty());

  const Did did = DidOnPort("idle_timeout", options);
  EXPECT_EQ(run.did.heard, did.heard);
  EXPECT_EQ(run.did.polled, did.polled);
}

INSTANTIATE_TEST_SUITE_P(, Coroutines, testing::Values("idle", "busy:1/s", "busy:100/s"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::erase_if(name, [](char c) { return !isalnum(c); });
                           return name;
                         });

}  // namespace
}  // namespace pairs
