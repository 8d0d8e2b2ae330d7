#include "afterleak/census/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "afterleak/census/verdict.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimerKind kOnce{.name = "test::Once", .cure = "stop it"};

Census::Ticket Arm(Census& census, std::source_location site = std::source_location::current()) {
  return census.Arm(kOnce, site, 100, Time(), Time(10s));
}

// ---- rising

bool RisesOver(std::vector<std::int64_t> peaks) { return Rises(peaks); }

TEST(Rises, WindowAfterWindow) {
  EXPECT_TRUE(RisesOver({1, 2, 3, 4}));
  EXPECT_TRUE(RisesOver({10, 20, 30, 40, 50, 60, 70, 80}));
}

TEST(Rises, AlsoIfSlowly) { EXPECT_TRUE(RisesOver({1, 1, 1, 2, 2, 3, 3, 4})); }

TEST(Rises, NotOnAPlateau) {
  EXPECT_FALSE(RisesOver({1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}));
  EXPECT_FALSE(RisesOver({10, 20, 30, 30, 30, 30, 30, 30}));
  EXPECT_FALSE(RisesOver({2, 2, 2, 2, 3, 3, 4, 4})) << "the first half is one";
}

TEST(Rises, NotForOneLateTimer) { EXPECT_FALSE(RisesOver({0, 0, 0, 0, 0, 0, 1, 1})); }

TEST(Rises, NotForOneBurst) { EXPECT_FALSE(RisesOver({2, 2, 2, 500, 2, 2, 2, 2})); }

TEST(Rises, NotForAPhaseThatComesRarely) { EXPECT_FALSE(RisesOver({0, 1, 1, 0, 1, 1, 0, 1})); }

TEST(Rises, NotIfItFellOnce) { EXPECT_FALSE(RisesOver({1, 2, 3, 4, 3, 5, 6, 7})); }

TEST(Rises, NotInFewerThanFourWindows) {
  EXPECT_FALSE(RisesOver({}));
  EXPECT_FALSE(RisesOver({1, 2, 3}));
}

// ---- abandoned

TEST(JudgeAbandoned, RemembersWhatIsGoneAndSaysHowMuchItWeighed) {
  Census census;
  for (int i = 0; i < 3; ++i) {
    const Census::Ticket ticket = Arm(census);
    census.Abandon(ticket, Time(4s));
    census.Fire(ticket);
  }
  const std::vector<Finding> findings = JudgeAbandoned(census.Report(Time(60s)));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kAbandoned);
  EXPECT_EQ(findings[0].count, 1);
  EXPECT_EQ(findings[0].bytes, 100);
  EXPECT_EQ(findings[0].byte_seconds, 3 * 100 * 6.0);
  EXPECT_THAT(findings[0].evidence, HasSubstr("1 at once, 3 of 3 in all"));
  EXPECT_THAT(ToString(findings[0]), HasSubstr("judge_test.cc:"));
  EXPECT_THAT(ToString(findings[0]), HasSubstr("cure: stop it"));
}

TEST(JudgeAbandoned, IsSilentForWhatIsHeard) {
  Census census;
  for (int i = 0; i < 1000; ++i) Arm(census);
  EXPECT_THAT(JudgeAbandoned(census.Report(Time())), IsEmpty());
}

TEST(JudgeAbandoned, TheWorstSiteComesFirst) {
  Census census;
  census.Abandon(Arm(census), Time());
  for (int i = 0; i < 2; ++i) census.Abandon(Arm(census), Time());
  const std::vector<Finding> findings = JudgeAbandoned(census.Report(Time()));
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].count, 2);
}

// ---- findings and inventories

TEST(Finding, IsALineForEachThingThatIsKnown) {
  Finding finding;
  finding.kind = "goroutine";
  finding.count = 9;
  EXPECT_EQ(ToString(finding), "abandoned: 9 x goroutine\n");
  static_cast<Place&>(finding) = {
      .file = "net/client.cc", .line = 31, .function = "net::Poll", .called_from = {"a", "b"}};
  finding.leak = Leak::kLeftBehind;
  finding.waits = "chan receive";
  finding.evidence = "9 at once";
  finding.bytes = 900;
  finding.byte_seconds = 12;
  finding.cure = "stop it";
  EXPECT_EQ(ToString(finding),
            "left behind: 9 x goroutine\n"
            "    net/client.cc:31 net::Poll\n"
            "        from a\n"
            "        from b\n"
            "    waits in chan receive\n"
            "    9 at once; 900 bytes, 12 byte-seconds lost\n"
            "    cure: stop it\n");
  finding.byte_seconds = 1;
  EXPECT_THAT(ToString(finding), HasSubstr("1 byte-seconds lost"));
}

TEST(Finding, WeighsInUnitsOfWhichItHasAFew) {
  const auto weight_of = [](std::int64_t bytes) {
    Finding finding;
    finding.bytes = bytes;
    const std::string text = ToString(finding);
    return text.substr(text.find('\n') + 1);
  };
  EXPECT_EQ(weight_of(0), "");
  EXPECT_EQ(weight_of(1), "    1 bytes\n");
  EXPECT_EQ(weight_of(10'239), "    10239 bytes\n");
  EXPECT_EQ(weight_of(10'240), "    10 KiB\n");
  EXPECT_EQ(weight_of(10'485'759), "    10239 KiB\n");
  EXPECT_EQ(weight_of(10'485'760), "    10 MiB\n");
}

TEST(Inventory, HasWhatIsAliveAndWhatWasEverAbandoned) {
  Census census;
  census.Stop(Arm(census));
  const auto lost = std::source_location::current();
  const Census::Ticket ticket = Arm(census, lost);
  census.Abandon(ticket, Time(4s));
  census.Fire(ticket);
  Inventory inventory;
  Take(census.Report(Time(60s)), inventory);
  EXPECT_EQ(inventory.at, Time(60s));
  ASSERT_THAT(inventory.holdings, SizeIs(1));
  const Holding& holding = inventory.holdings[0];
  EXPECT_EQ(holding.line, lost.line());
  EXPECT_EQ(holding.kind, "test::Once");
  EXPECT_EQ(holding.cure, "stop it");
  EXPECT_EQ(holding.count, 0);
  EXPECT_EQ(holding.ever_abandoned, 1);
  EXPECT_EQ(holding.bytes_each, 100);
  EXPECT_EQ(holding.byte_seconds, 600);
}

// Goroutines and heap blocks have no line, or no weight: what nobody tells is shown as not known.
TEST(Inventory, WhatAHoldingDoesNotTellNoFindingMakesUp) {
  Holding holding;
  holding.count = 1;
  holding.ever_abandoned = 1;
  const Inventory after{.holdings = {holding}};
  for (const std::vector<Finding>& findings :
       {JudgeAbandoned({}, after), JudgeLeftBehind({}, after)}) {
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].bytes, 0);
    EXPECT_EQ(findings[0].byte_seconds, 0);
    EXPECT_EQ(findings[0].line, 0u);
    EXPECT_EQ(findings[0].column, 0u);
  }
  EXPECT_EQ(Finding().count, 0);
}

TEST(JudgeAbandoned, BetweenTwoInventoriesCountsWhatIsNew) {
  const auto holding = [](const char* file, std::int64_t abandoned) {
    Holding made;
    made.file = file;
    made.kind = "test::Once";
    made.ever_abandoned = abandoned;
    made.bytes_each = 100;
    made.byte_seconds = 7.0 * static_cast<double>(abandoned);
    return made;
  };
  const std::vector<Finding> findings =
      JudgeAbandoned({.holdings = {holding("old.cc", 3), holding("a.cc", 1)}},
                     {.holdings = {holding("old.cc", 3), holding("c.cc", 2), holding("b.cc", 2),
                                   holding("a.cc", 6)}});
  ASSERT_THAT(findings, SizeIs(3));
  EXPECT_EQ(findings[0].leak, Leak::kAbandoned);
  EXPECT_EQ(findings[0].kind, "test::Once");
  EXPECT_EQ(findings[0].count, 5);
  EXPECT_EQ(findings[0].bytes, 500);
  EXPECT_EQ(findings[0].byte_seconds, 35);
  EXPECT_FALSE(findings[0].evidence.empty());
  EXPECT_EQ(findings[1].byte_seconds, 14);  // none was there before
  EXPECT_EQ(findings[1].file, "b.cc");      // equal numbers: in the order of their places
  EXPECT_EQ(findings[2].file, "c.cc");
}

// ---- left behind

Inventory Alive(const Census& census) {
  Inventory inventory;
  Take(census.Report(Time()), inventory);
  return inventory;
}

TEST(JudgeLeftBehind, CountsBySiteAndOnlyWhatIsNew) {
  Census census;
  const auto old = std::source_location::current();
  Arm(census, old);
  const Inventory before = Alive(census);
  Arm(census, old), Arm(census, old);
  const std::vector<Finding> findings = JudgeLeftBehind(before, Alive(census));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kLeftBehind);
  EXPECT_EQ(findings[0].kind, "test::Once");
  EXPECT_EQ(findings[0].count, 2);
  EXPECT_EQ(findings[0].bytes, 200);
  EXPECT_EQ(findings[0].line, old.line());
}

TEST(JudgeLeftBehind, IsSilentForWhatWasThereBeforeAndWhatEnded) {
  Census census;
  Arm(census);
  const Inventory before = Alive(census);
  census.Stop(Arm(census));
  EXPECT_THAT(JudgeLeftBehind(before, Alive(census)), IsEmpty());
}

TEST(JudgeLeftBehind, AnotherTimerOfASiteInThePlaceOfAnOldOneIsNotMore) {
  Census census;
  const auto site = std::source_location::current();
  const Census::Ticket old = Arm(census, site);
  const Inventory before = Alive(census);
  census.Fire(old);
  Arm(census, site);
  EXPECT_THAT(JudgeLeftBehind(before, Alive(census)), IsEmpty());
}

TEST(JudgeLeftBehind, WhatWasInUseBeforeIsNotNewWhenItsUseIsOver) {
  const auto holding = [](std::int64_t count, std::int64_t in_use) {
    Holding made;
    static_cast<Place&>(made) = {"a.cc", 1};
    made.count = count;
    made.in_use = in_use;
    return Inventory{.holdings = {made}};
  };
  EXPECT_THAT(JudgeLeftBehind(holding(0, 3), holding(3, 0)), IsEmpty());
  EXPECT_THAT(JudgeLeftBehind(holding(1, 0), holding(1, 5)), IsEmpty()) << "new ones, in use";
  const std::vector<Finding> new_ones = JudgeLeftBehind(holding(0, 3), holding(5, 1));
  ASSERT_THAT(new_ones, SizeIs(1));
  EXPECT_EQ(new_ones[0].count, 3);
  EXPECT_EQ(JudgeLeftBehind(holding(0, 5), holding(2, 5))[0].count, 2);
}

TEST(JudgeLeftBehind, GoroutinesOfOneSiteThatWaitInTwoPlacesAreCountedTogether) {
  Holding reads;
  static_cast<Place&>(reads) = {"a.cc", 1};
  reads.waits = "read";
  reads.count = 3;
  Holding writes = reads;
  writes.waits = "write";
  writes.count = 1;
  const Inventory before{.holdings = {reads}};
  Holding fewer = reads;
  fewer.count = 2;
  EXPECT_THAT(JudgeLeftBehind(before, {.holdings = {fewer, writes}}), IsEmpty());
  const std::vector<Finding> findings = JudgeLeftBehind(before, {.holdings = {reads, writes}});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 1);
}

TEST(JudgeLeftBehind, TheWorstSiteComesFirstAndSaysWhereItWaits) {
  Holding few;
  few.file = "few.cc";
  few.count = 1;
  few.bytes = 7;
  Holding many;
  many.file = "many.cc";
  many.waits = "chan receive";
  many.count = 2;
  many.bytes = 10;
  many.state = "blocked";
  const std::vector<Finding> findings = JudgeLeftBehind({}, {.holdings = {few, many}});
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].file, "many.cc");
  EXPECT_EQ(findings[0].waits, "chan receive");
  EXPECT_EQ(findings[0].bytes, 10);
  EXPECT_EQ(findings[0].evidence, "blocked");
  EXPECT_EQ(findings[1].bytes, 7);
}

// ---- growing

TEST(JudgeGrowing, GoesByExactPeaksThatNobodyLookedAt) {
  Census census;
  const auto site = std::source_location::current();
  std::vector<CensusReport> windows;
  for (int window = 1; window <= 8; ++window) {
    census.NextWindow();
    std::vector<Census::Ticket> burst;
    for (int i = 0; i < window * 10; ++i) burst.push_back(Arm(census, site));
    for (const Census::Ticket ticket : burst) census.Stop(ticket);
    windows.push_back(census.Report(Time()));  // nothing is live now
  }
  const std::vector<Finding> findings = JudgeGrowing(windows);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 80);
  EXPECT_THAT(findings[0].evidence, HasSubstr("10 20 30 40 50 60 70 80"));
  EXPECT_THAT(JudgeGrowing(windows, Allowance().Each(80)), IsEmpty());
  EXPECT_THAT(JudgeGrowing(windows, Allowance().Each(79)), SizeIs(1));
}

TEST(JudgeGrowing, SaysWhereNoneWasEverStopped) {
  Census census;
  std::vector<CensusReport> windows;
  for (int window = 1; window <= 4; ++window) {
    census.NextWindow();
    Arm(census);
    windows.push_back(census.Report(Time()));
  }
  ASSERT_THAT(JudgeGrowing(windows), SizeIs(1));
  EXPECT_THAT(JudgeGrowing(windows)[0].evidence, HasSubstr("none was ever stopped"));
  EXPECT_EQ(JudgeGrowing(windows)[0].bytes, 400);
}

TEST(JudgeGrowing, ASiteHasNoneInTheWindowsBeforeItComes) {
  Census census;
  std::vector<CensusReport> windows;
  for (int window = 0; window < 4; ++window) {
    census.NextWindow();
    if (window > 0) Arm(census);
    windows.push_back(census.Report(Time()));
  }
  ASSERT_THAT(JudgeGrowing(windows), SizeIs(1));
  EXPECT_THAT(JudgeGrowing(windows)[0].evidence, HasSubstr("0 1 2 3"));
}

TEST(JudgeGrowing, IsSilentForASiteThatComesLate) {
  Census census;
  std::vector<CensusReport> windows;
  for (int window = 1; window <= 8; ++window) {
    census.NextWindow();
    if (window == 7) Arm(census);
    windows.push_back(census.Report(Time()));
  }
  EXPECT_THAT(JudgeGrowing(windows), IsEmpty());
}

// ---- growing with the work

// Arms in one line, and then again in another one, as many as `moved`.
CensusReport AfterWorkOf(int live, int moved = 0) {
  Census census;
  std::vector<Census::Ticket> tickets;
  const std::source_location line = std::source_location::current();
  for (int i = 0; i < live; ++i) tickets.push_back(Arm(census, line));
  const std::source_location again = std::source_location::current();
  for (int i = 0; i < moved; ++i) {
    census.Stop(tickets[static_cast<std::size_t>(i)]);
    Arm(census, again);
  }
  return census.Report(Time());
}

TEST(JudgeGrowingWithWork, FindsHalfAsManyAgain) {
  const std::vector<Finding> findings = JudgeGrowingWithWork(AfterWorkOf(40), AfterWorkOf(60));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kGrowing);
  EXPECT_EQ(findings[0].count, 60);
  EXPECT_EQ(findings[0].bytes, 6000);
  EXPECT_EQ(findings[0].evidence, "at most 60 at once, and 40 with half of the work");
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(40), AfterWorkOf(59)), IsEmpty());
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(1000), AfterWorkOf(1499)), IsEmpty());
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(1000), AfterWorkOf(1500)), SizeIs(1));
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(1), AfterWorkOf(60)), SizeIs(1));
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(0), AfterWorkOf(60)), IsEmpty())
      << "the earlier run may have had another phase";
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(40), AfterWorkOf(60), Allowance().Each(60)),
              IsEmpty());
}

TEST(JudgeGrowingWithWork, IsSilentOnWhatIsArmedAgainElsewhere) {
  EXPECT_THAT(JudgeGrowingWithWork(AfterWorkOf(200, 40), AfterWorkOf(200, 100)), IsEmpty());
}

TEST(JudgeGrowingWithWork, HalfOfItIsInTheTotal) {
  const auto report = [](std::int64_t peak, std::int64_t in_all) {
    CensusReport made;
    made.sites.emplace_back().peak_live = peak;
    made.totals.peak_live = in_all;
    return made;
  };
  EXPECT_THAT(JudgeGrowingWithWork(report(40, 200), report(100, 230)), SizeIs(1));
  EXPECT_THAT(JudgeGrowingWithWork(report(40, 200), report(100, 229)), IsEmpty());
  EXPECT_THAT(JudgeGrowingWithWork(report(0, 200), report(100, 300)), IsEmpty())
      << "a site that is known, and had none then";
}

// ---- units of work

// Units of work that each arm a timer at one line; the first `forgetful` do not stop theirs.
CensusReport AfterUnits(int units, int forgetful, Duration since_then) {
  Census census;
  const std::source_location line = std::source_location::current();
  for (int i = 0; i < units; ++i) {
    const internal::Works::Work work = census.works().Begin(0);
    const Census::Ticket ticket = census.Arm(kOnce, line, 100, Time(), Time(1h));
    census.works().Adopt(ticket, work);
    if (i >= forgetful) census.Stop(ticket);
    census.works().End(work, Time(1s));
    EXPECT_FALSE(census.works().IsOpen(work));
  }
  const internal::Works::Work open = census.works().Begin(0);
  census.works().Adopt(census.Arm(kOnce, line, 100, Time(), Time(1h)), open);
  census.Arm(kOnce, line, 100, Time(), Time(1h));  // of no unit
  return census.Report(Time(1s + since_then));
}

TEST(JudgeLeftBehind, WhatUnitsOfWorkLeave) {
  const std::vector<Finding> findings = JudgeLeftBehind(AfterUnits(50, 3, 200ms));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kLeftBehind);
  EXPECT_EQ(findings[0].count, 3);
  EXPECT_EQ(findings[0].bytes, 300);
  EXPECT_EQ(findings[0].evidence,
            "live after the end of what armed them: of 3 of 50 units of work");
}

TEST(JudgeLeftBehind, IsSilentOnWhatTwoUnitsLeaveOnWhatIsAllowedAndAtOnce) {
  EXPECT_THAT(JudgeLeftBehind(AfterUnits(50, 0, 1h)), IsEmpty());
  EXPECT_THAT(JudgeLeftBehind(AfterUnits(50, 2, 200ms)), IsEmpty());
  EXPECT_THAT(JudgeLeftBehind(AfterUnits(50, 3, 50ms)), IsEmpty());
  EXPECT_THAT(JudgeLeftBehind(AfterUnits(50, 3, 200ms), Allowance().Each(3)), IsEmpty());
}

TEST(Works, ANumberIsNotUsedTwiceAndOneWithinAnotherEndsInThat) {
  internal::Works works;
  const internal::Works::Work outer = works.Begin(0);
  const internal::Works::Work inner = works.Begin(outer);
  works.Adopt(1, inner);
  EXPECT_EQ(works.End(inner, Time(1s)), outer);
  works.Forget(1);
  works.Forget(1);  // of none now
  const internal::Works::Work next = works.Begin(0);
  EXPECT_NE(next, inner);
  EXPECT_FALSE(works.IsOpen(inner));
  EXPECT_TRUE(works.IsOpen(next));
  EXPECT_FALSE(works.IsOpen(0));
  EXPECT_FALSE(works.IsOpen(~internal::Works::Work{0}));
  EXPECT_EQ(works.ended(), 1);
}

// ---- outlived

// Work of which each piece arms one and stops it; of `leaks` in a hundred it forgets to.
CensusReport AfterWork(int pieces, int leaks) {
  Census census;
  census.KeepOvertaken();
  for (int i = 0; i < pieces; ++i) {
    const Census::Ticket ticket = Arm(census);
    if (i % 100 >= leaks) census.Stop(ticket);
  }
  return census.Report(Time(60s));
}

TEST(JudgeOutlived, OnePathOfManyForgets) {
  const std::vector<Finding> findings = JudgeOutlived(AfterWork(500, 1));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].leak, Leak::kOutlived);
  EXPECT_EQ(findings[0].count, 5);
  EXPECT_EQ(findings[0].bytes, 500);
  EXPECT_THAT(findings[0].evidence, HasSubstr("up to 495 later ones"));
  EXPECT_THAT(findings[0].evidence, HasSubstr("saw at most 0"));
  EXPECT_THAT(ToString(findings[0]), HasSubstr("outlived: 5 x test::Once"));
}

TEST(JudgeOutlived, IsSilentOnTwoAndOnWhatIsAllowed) {
  EXPECT_THAT(JudgeOutlived(AfterWork(200, 1)), IsEmpty());
  EXPECT_THAT(JudgeOutlived(AfterWork(500, 1), Allowance().Each(5)), IsEmpty());
  EXPECT_THAT(JudgeOutlived(AfterWork(500, 1), Allowance().Each(4)), SizeIs(1));
}

TEST(JudgeOutlived, IsSilentWhereNoneOrFewAreStopped) {
  EXPECT_THAT(JudgeOutlived(AfterWork(500, 100)), IsEmpty());
  EXPECT_THAT(JudgeOutlived(AfterWork(22, 3)), IsEmpty());  // 19 are
  EXPECT_THAT(JudgeOutlived(AfterWork(23, 3)), SizeIs(1));
}

// A hundred at once, each stopped in its turn: all are overtaken by as many.
TEST(JudgeOutlived, IsSilentOnACrowd) {
  Census census;
  census.KeepOvertaken();
  std::vector<Census::Ticket> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(Arm(census));
  for (std::size_t i = 0; i < 1000; ++i) {
    census.Stop(crowd[i % 100]);
    crowd[i % 100] = Arm(census);
  }
  EXPECT_THAT(JudgeOutlived(census.Report(Time(60s))), IsEmpty());
}

// Connections that are not used, with a time limit each: the one that came back last is used next,
// and in one turn of two thousand all are. So some wait long.
TEST(JudgeOutlived, IsSilentOnAPool) {
  Census census;
  census.KeepOvertaken();
  std::vector<Census::Ticket> pool;
  for (int i = 0; i < 20; ++i) pool.push_back(Arm(census));
  for (int turn = 0; turn < 5999; ++turn) {
    const std::size_t used = turn % 2000 == 0 ? pool.size() : 2;
    for (std::size_t i = pool.size() - used; i < pool.size(); ++i) {
      census.Stop(pool[i]);
      pool[i] = Arm(census);
    }
  }
  EXPECT_THAT(JudgeOutlived(census.Report(Time(60s))), IsEmpty());
}

// The first that were forgotten have expired, and that does not hide the others.
TEST(JudgeOutlived, WhatWasForgottenAndHasExpiredIsNoExcuse) {
  Census census;
  census.KeepOvertaken();
  std::vector<Census::Ticket> forgotten;
  for (int i = 0; i < 2000; ++i) {
    const Census::Ticket ticket = Arm(census);
    if (i % 200 == 0)
      forgotten.push_back(ticket);
    else
      census.Stop(ticket);
  }
  for (int i = 0; i < 5; ++i) census.Fire(forgotten[static_cast<std::size_t>(i)]);
  const std::vector<Finding> findings = JudgeOutlived(census.Report(Time(60s)));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 5);
}

TEST(JudgeOutlived, KnowsNothingUnlessItIsKept) {
  Census census;
  for (int i = 0; i < 500; ++i) {
    const Census::Ticket ticket = Arm(census);
    if (i % 100 != 0) census.Stop(ticket);
  }
  EXPECT_THAT(JudgeOutlived(census.Report(Time(60s))), IsEmpty());
}

// ---- all kinds

TEST(Judge, TheWorstSiteComesFirstWhateverTheKind) {
  // A site that has this many of whatever counts.
  const auto site = [](const char* file, std::int64_t many) {
    SiteReport made;
    made.file = file;
    made.peak_abandoned = made.left_behind = made.works_leaving = made.outlived = many;
    made.peak_live = made.window_peak_live = many;
    return made;
  };
  std::vector<CensusReport> windows(4);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto scale = static_cast<std::int64_t>(i + 1);
    windows[i].sites = {site("few.cc", 50 * scale), site("many.cc", 70 * scale)};
    windows[i].totals.peak_live = 120 * scale;
  }
  for (const std::vector<Finding>& findings :
       {JudgeAbandoned(windows[3]), JudgeLeftBehind(windows[3]), JudgeGrowing(windows),
        JudgeGrowingWithWork(windows[0], windows[3]), JudgeOutlived(windows[3])}) {
    ASSERT_THAT(findings, SizeIs(2));
    EXPECT_EQ(findings[0].file, "many.cc");
    EXPECT_EQ(findings[0].count, 280);
  }
}

TEST(Verdict, IsItsSummaryOrWhyNothingCanBeSaidAndThenTheFindings) {
  Verdict verdict{.summary = "3 timers were armed"};
  EXPECT_TRUE(verdict.Passed());
  EXPECT_EQ(ToString(verdict), "3 timers were armed\n");
  Finding finding;
  finding.kind = "test::Once";
  finding.count = 3;
  verdict.findings = {finding};
  EXPECT_FALSE(verdict.Passed());
  EXPECT_EQ(ToString(verdict), "3 timers were armed\nabandoned: 3 x test::Once\n");
  verdict = {.unfounded = "nothing was armed", .summary = "0 timers were armed"};
  EXPECT_FALSE(verdict.Passed());
  EXPECT_EQ(ToString(verdict), "nothing was armed\n");
}

// ---- the word for a site

TEST(Word, NeedsEnoughToSayThatThereIsNoSign) {
  constexpr Duration kWatched = 60s;
  SiteReport site;
  site.armed = 100;
  site.stopped = 100;
  site.longest_timeout = 10s;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNoSign);
  EXPECT_EQ(WordFor(site, {}, kWatched, 7), Word::kNotEnough);
  site.stopped = 19;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNoSign);
  site.longest_timeout = 30s;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNoSign);
  site.longest_timeout = 31s;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNotEnough);
  site.stopped = 20;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNoSign);
  site.armed = 20;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNoSign);
  site.armed = 19;
  EXPECT_EQ(WordFor(site, {}, kWatched, 8), Word::kNotEnough);
}

TEST(Word, IsThatOfTheFindingsAtTheSite) {
  const CensusReport report = AfterWork(500, 1);
  const std::vector<Finding> outlived = JudgeOutlived(report);
  EXPECT_EQ(WordFor(report.sites[0], outlived, 60s, 1), Word::kLeak);
  std::vector<Finding> growing = outlived;
  growing[0].leak = Leak::kGrowing;
  EXPECT_EQ(WordFor(report.sites[0], growing, 60s, 1), Word::kGrows);
  growing[0].line = 1;
  EXPECT_EQ(WordFor(report.sites[0], growing, 60s, 8), Word::kNoSign);
}

// ---- allowances

TEST(KeepFirstOfEachSite, KeepsThoseOfOtherSitesAndOfTheSameKindOfLeak) {
  const auto finding = [](Leak leak, const char* file) {
    Finding made;
    made.leak = leak;
    made.file = file;
    return made;
  };
  std::vector<Finding> findings = {
      finding(Leak::kAbandoned, "a.cc"), finding(Leak::kAbandoned, "a.cc"),
      finding(Leak::kLeftBehind, "b.cc"), finding(Leak::kGrowing, "a.cc")};
  KeepFirstOfEachSite(findings);
  ASSERT_THAT(findings, SizeIs(3));
  EXPECT_EQ(findings[1].leak, Leak::kAbandoned);
  EXPECT_EQ(findings[2].file, "b.cc");
}

TEST(Allowance, TheLastThatFitsCounts) {
  const Allowance allowed = Allowance().Each(1).At("a.cc", 5).At("a.cc:7", 2);
  EXPECT_EQ(allowed.For("a.cc", 7, "F"), 2);
  EXPECT_EQ(allowed.For("a.cc", 8, "F"), 5);
  EXPECT_EQ(allowed.For("b.cc", 8, "F"), 1);
}

TEST(Allowance, OfAFileHasOneALineAndComments) {
  const Allowance allowed =
      Allowance::Parse("# what stays\n\ncache.cc 3  # its sweeper\nlog.cc:9\nlog.cc:10 0\n");
  EXPECT_EQ(allowed.For("cache.cc", 1, ""), 3);
  EXPECT_EQ(allowed.For("log.cc", 9, ""), Allowance::kAny);
  EXPECT_EQ(allowed.For("log.cc", 8, ""), 0);
  EXPECT_EQ(allowed.For("log.cc", 10, ""), 0);
}

TEST(Allowance, IsReadFromAFileAndAnEmptyOneAllowsNothing) {
  std::string folder = testing::TempDir() + "allowanceXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/timers.allow";
  std::ofstream(path) << "a.cc 2\n";
  EXPECT_EQ(Allowance::FromFile(path).For("a.cc", 1, ""), 2);
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_EQ(Allowance::FromFile(path).For("a.cc", 1, ""), 0);
  std::ofstream(path) << "a.cc many\n";
  EXPECT_THROW(Allowance::FromFile(path), std::invalid_argument);
  EXPECT_THROW(Allowance::FromFile(folder), std::runtime_error);
  std::filesystem::remove_all(folder);
}

TEST(Allowance, ABadLineIsNamed) {
  for (const char* const text : {"a.cc\nb.cc many", "a.cc\nb.cc 3 4", "a.cc\nb.cc -1",
                                 "a.cc\nb.cc 3x", "a.cc\nb.cc 99999999999999999999"}) {
    try {
      Allowance::Parse(text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("line 2"));
    }
  }
  EXPECT_THROW(Allowance::FromFile("/nowhere/at/all"), std::runtime_error);
}

}  // namespace
}  // namespace afterleak
