#include "afterleak/census/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <vector>

#include "tests/support/test_bubble.h"

namespace afterleak::internal {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimerKind kTimer{.name = "test::Timer"};
constexpr TimerKind kContext{.name = "test::Context", .resource = Resource::kContext};
constexpr Resource kJudged[] = {Resource::kTimer, Resource::kContext};

class LedgerOfCensus final : public Ledger {
 public:
  std::span<const Resource> resources() const override { return kJudged; }
  CensusTotals Totals(Resource resource) const override { return census_.totals(resource); }
  CensusReport Report(Resource resource) const override { return census_.Report(Time(), resource); }

  Census& census() { return census_; }
  Census::Ticket Arm(const TimerKind& kind,
                     std::source_location site = std::source_location::current()) {
    return census_.Arm(kind, site, 100, Time(), Time(10s));
  }
  Inventory Alive() const {
    Inventory alive;
    for (const Resource resource : kJudged) Take(Report(resource), alive);
    return alive;
  }

 private:
  Census census_;
};

TEST(Armed, IsTheSumOfWhatIsJudged) {
  LedgerOfCensus ledger;
  EXPECT_EQ(Armed(ledger), 0);
  for (int i = 0; i < 3; ++i) ledger.census().Stop(ledger.Arm(kTimer));
  ledger.Arm(kContext);
  EXPECT_EQ(Armed(ledger), 4);
}

TEST(LeftSince, SaysOfWhatIsAbandonedNotThatItIsLeftBehindToo) {
  LedgerOfCensus ledger;
  const Inventory before = ledger.Alive();
  ledger.census().Abandon(ledger.Arm(kTimer), Time());
  const std::vector<Finding> findings = LeftSince(before, ledger.Alive(), {});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kAbandoned);
}

std::vector<int> EndsOfBatches(int calls, int done) {
  const LedgerOfCensus ledger;
  Batches batches(ledger, calls, HeapCheck::kOff);
  std::vector<int> ends;
  for (int call = 1; call <= done; ++call) {
    if (batches.Done(call)) ends.push_back(call);
  }
  return ends;
}

TEST(Batches, AreTenOfEqualSizeAndTheRemainderIsInNone) {
  EXPECT_THAT(EndsOfBatches(20, 20), ElementsAre(2, 4, 6, 8, 10, 12, 14, 16, 18, 20));
  EXPECT_THAT(EndsOfBatches(29, 29), ElementsAre(2, 4, 6, 8, 10, 12, 14, 16, 18, 20));
  EXPECT_THAT(EndsOfBatches(9, 9), IsEmpty()) << "too few calls";
}

TEST(Batches, JudgeWhatGrowsOfEveryResource) {
  LedgerOfCensus ledger;
  Batches batches(ledger, 10, HeapCheck::kOff);
  for (int call = 1; call <= 10; ++call) {
    ledger.Arm(kContext);
    if (batches.Done(call)) ledger.census().NextWindow();
  }
  const std::vector<Finding> findings = batches.Judge({});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kGrowing);
  EXPECT_EQ(findings[0].kind, "test::Context");
}

// ---- heap blocks

class BatchesHeap : public testing::Test {
 protected:
  void SetUp() override { AFTERLEAK_SKIP_UNLESS_COUNTING(); }

  // What is said of work that has `kept(call)` blocks of 100 bytes after each call.
  static std::vector<Finding> Judge(int calls, const std::function<int(int)>& kept,
                                    const Allowance& allowed = {}) {
    const LedgerOfCensus ledger;
    std::vector<std::unique_ptr<std::array<char, 100>>> blocks;
    blocks.reserve(1000);
    Batches batches(ledger, calls, HeapCheck::kRequired);
    for (int call = 1; call <= calls; ++call) {
      const auto count = static_cast<std::size_t>(kept(call));
      while (blocks.size() > count) blocks.pop_back();
      while (blocks.size() < count) blocks.push_back(std::make_unique<std::array<char, 100>>());
      EXPECT_EQ(batches.Done(call), call % (calls / 10) == 0);
    }
    return batches.Judge(allowed);
  }
  static int OneForEach(int call) { return call; }
};

TEST_F(BatchesHeap, ABlockOfEachCallIsLeftBehind) {
  const std::vector<Finding> findings = Judge(100, OneForEach);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kLeftBehind);
  EXPECT_EQ(findings[0].kind, "heap block");
  EXPECT_EQ(findings[0].count, 70) << "after the warm-up";
  EXPECT_EQ(findings[0].bytes, 7000);
  EXPECT_EQ(findings[0].evidence, "1 more for each call");
  EXPECT_EQ(findings[0].cure, "look for what owns itself, such as a callback that holds its owner");
}

TEST_F(BatchesHeap, AreJudgedFromFiftyCallsOn) {
  EXPECT_THAT(Judge(50, OneForEach), SizeIs(1));
  EXPECT_THAT(Judge(40, OneForEach), IsEmpty());
}

TEST_F(BatchesHeap, AWindowInWhichNothingMoreIsKeptProvesThatNotEachCallLeaks) {
  // From 200 on, so that what is live is more than a window has calls.
  const auto all_but = [](int from, int to) {
    return [=](int call) {
      return 200 + call - (call <= from ? 0 : call <= to ? call - from : to - from);
    };
  };
  EXPECT_THAT(Judge(100, all_but(0, 0)), SizeIs(1));
  EXPECT_THAT(Judge(100, all_but(10, 20)), SizeIs(1)) << "the warm-up does not count";
  EXPECT_THAT(Judge(100, all_but(30, 40)), IsEmpty());
  EXPECT_THAT(Judge(100, all_but(60, 70)), IsEmpty());
  EXPECT_THAT(Judge(100, all_but(90, 100)), IsEmpty());
}

TEST_F(BatchesHeap, AsManyAsAreAllowedMayStay) {
  EXPECT_THAT(Judge(100, OneForEach, Allowance().Each(70)), IsEmpty());
  EXPECT_THAT(Judge(100, OneForEach, Allowance().Each(69)), SizeIs(1));
}

TEST_F(BatchesHeap, WorkThatWasCutShortIsJudgedByTheWindowsItHad) {
  const LedgerOfCensus ledger;
  std::vector<std::unique_ptr<int>> kept;
  Batches batches(ledger, 100, HeapCheck::kRequired);
  EXPECT_THAT(batches.Judge({}), IsEmpty()) << "it had none";
  for (int call = 1; call <= 40; ++call) {
    kept.push_back(std::make_unique<int>(call));
    EXPECT_EQ(batches.Done(call), call % 10 == 0);
  }
  const std::vector<Finding> findings = batches.Judge({});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 10);
}

TEST_F(BatchesHeap, WorkIsIdleUntilItAllocates) {
  const LedgerOfCensus ledger;
  const Batches batches(ledger, 50, HeapCheck::kRequired);
  EXPECT_FALSE(batches.Allocated());
  const auto block = std::make_unique<int>(1);
  EXPECT_TRUE(batches.Allocated());
}

}  // namespace
}  // namespace afterleak::internal
