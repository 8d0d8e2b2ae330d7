#include "afterleak/census/census.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <random>
#include <source_location>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/census/mapped_array.h"
#include "afterleak/census/shared_census.h"
#include "afterleak/census/site.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr TimerKind kOnce{.name = "test::Once"};
constexpr TimerKind kRooted{.name = "test::Rooted", .rooted = true};
constexpr TimerKind kContext{.name = "test::Context", .resource = Resource::kContext};
constexpr TimerKind kPeriodic{.name = "test::Periodic", .periodic = true};

// Arms a timer of 100 bytes at time 0.
Census::Ticket Arm(Census& census, const TimerKind& kind = kOnce, Duration delay = 10s,
                   std::source_location site = std::source_location::current()) {
  return census.Arm(kind, site, 100, Time(), Time(delay));
}

TEST(Census, StartsWithNothing) {
  const Census census;
  EXPECT_EQ(census.totals().armed, 0);
  EXPECT_EQ(census.totals().peak_live, 0);
  EXPECT_TRUE(census.totals().Conserved());
  EXPECT_TRUE(census.Report(Time()).sites.empty());
}

TEST(TimerKind, IsNeitherRootedNorPeriodicUnlessItSaysSo) {
  const TimerKind kind{.name = "test::Plain"};
  EXPECT_FALSE(kind.rooted);
  EXPECT_FALSE(kind.periodic);
}

TEST(Census, EveryEndingIsCountedAndArmedIsTheirSum) {
  Census census;
  census.Fire(Arm(census));
  for (int i = 0; i < 2; ++i) census.Stop(Arm(census));
  for (int i = 0; i < 3; ++i) census.Collect(Arm(census));
  for (int i = 0; i < 4; ++i) EXPECT_NE(Arm(census), 0u);
  const CensusTotals& totals = census.totals();
  EXPECT_EQ(totals.fired, 1);
  EXPECT_EQ(totals.stopped, 2);
  EXPECT_EQ(totals.collected, 3);
  EXPECT_EQ(totals.live, 4);
  EXPECT_EQ(totals.armed, 10);
  EXPECT_TRUE(totals.Conserved());
}

TEST(Census, WhatIsNotConservedIsNoticed) {
  CensusTotals totals{.live = 1, .armed = 2, .fired = 1};
  EXPECT_TRUE(totals.Conserved());
  totals.stopped = 1;
  EXPECT_FALSE(totals.Conserved());
}

TEST(Census, AnAbandonedTimerStaysLiveUntilItEnds) {
  Census census;
  const Census::Ticket ticket = Arm(census);
  census.Abandon(ticket, Time(1s));
  EXPECT_EQ(census.totals().live, 1);
  EXPECT_EQ(census.totals().abandoned, 1);
  EXPECT_EQ(census.totals().abandoned_bytes, 100);
  census.Fire(ticket);
  EXPECT_EQ(census.totals().live, 0);
  EXPECT_EQ(census.totals().abandoned, 0);
  EXPECT_EQ(census.totals().abandoned_bytes, 0);
}

TEST(Census, OnlyTimersThatWereAbandonedFireUnheard) {
  Census census;
  const Census::Ticket heard = Arm(census);
  const Census::Ticket unheard = Arm(census);
  const Census::Ticket stopped = Arm(census);
  census.Abandon(unheard, Time());
  census.Abandon(stopped, Time());
  census.Fire(heard);
  census.Fire(unheard);
  census.Stop(stopped);
  EXPECT_EQ(census.totals().fired, 2);
  EXPECT_EQ(census.totals().fired_unheard, 1);
}

TEST(Census, RootedTimersCountAsLiveAndApart) {
  Census census;
  const Census::Ticket rooted = Arm(census, kRooted);
  Arm(census, kOnce);
  EXPECT_EQ(census.totals().live, 2);
  EXPECT_EQ(census.totals().rooted, 1);
  census.Stop(rooted);
  EXPECT_EQ(census.totals().rooted, 0);
  EXPECT_EQ(census.totals().live, 1);
}

TEST(Census, OneThatIsPutOffIsStillWhatWasArmedFirst) {
  Census census;
  const Census::Ticket ticket = Arm(census, kRooted);
  const std::uint_least32_t line = __LINE__ - 1;
  EXPECT_TRUE(census.PutOff(ticket, kRooted, Time(4s), Time(14s)));
  EXPECT_EQ(census.totals().armed, 2);
  EXPECT_EQ(census.totals().stopped, 1);
  EXPECT_EQ(census.totals().live, 1);
  EXPECT_EQ(census.totals().peak_live, 1);
  EXPECT_EQ(census.totals().rooted, 1);
  EXPECT_TRUE(census.totals().Conserved());
  const SiteReport site = census.Report(Time(5s)).sites.at(0);
  EXPECT_EQ(site.line, line);
  EXPECT_EQ(site.put_off, 1);
  EXPECT_EQ(site.oldest_age, 1s);
  EXPECT_EQ(site.longest_left, 9s);
  census.Fire(ticket);
  EXPECT_EQ(census.totals().live, 0);
  EXPECT_TRUE(census.totals().Conserved());
}

TEST(Census, AnAbandonedOneOrOneThatBecomesPeriodicIsNotPutOff) {
  Census census;
  const Census::Ticket abandoned = Arm(census);
  census.Abandon(abandoned, Time());
  EXPECT_FALSE(census.PutOff(abandoned, kOnce, Time(), Time(1s)));
  EXPECT_FALSE(census.PutOff(Arm(census), kPeriodic, Time(), Time(1s)));
  EXPECT_EQ(census.totals().armed, 2);
  EXPECT_EQ(census.totals().stopped, 0);
}

// A quiet connection beside a busy one that puts off its time-out at each message; then others that
// come and go.
TEST(Census, ToPutOneOffOvertakesNobodyAndToEndItDoes) {
  Census census;
  census.KeepOvertaken();
  const Site site = std::source_location::current();
  const auto open = [&] { return census.Arm(kRooted, site, 0, Time(), Time(60s)); };
  const auto overtaken = [&] { return census.Report(Time(1s)).sites.at(0).most_overtaken; };
  EXPECT_NE(open(), 0u);
  const Census::Ticket busy = open();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(census.PutOff(busy, kRooted, Time(), Time(60s)));
  EXPECT_EQ(overtaken(), 0);
  for (int i = 0; i < 30; ++i) census.Stop(open());
  EXPECT_EQ(overtaken(), 30);
  EXPECT_TRUE(census.PutOff(busy, kRooted, Time(), Time(60s)));
  census.Stop(busy);
  EXPECT_EQ(overtaken(), 31);
}

TEST(Census, ATickDoesNotEndATickerAndMovesItsDeadline) {
  Census census;
  const Census::Ticket ticker = Arm(census, kPeriodic, 3s);
  census.Tick(ticker, Time(6s));
  census.Tick(ticker, Time(9s));
  EXPECT_EQ(census.totals().ticks, 2);
  EXPECT_EQ(census.totals().fired, 0);
  EXPECT_EQ(census.totals().live, 1);
  EXPECT_EQ(census.Report(Time(7s)).sites.at(0).longest_left, 2s);
}

TEST(Census, PeaksAreTheHighestAndDoNotFall) {
  Census census;
  std::vector<Census::Ticket> tickets;
  for (int i = 0; i < 5; ++i) tickets.push_back(Arm(census));
  census.Abandon(tickets[0], Time());
  census.Abandon(tickets[1], Time());
  for (const Census::Ticket ticket : tickets) census.Stop(ticket);
  census.Abandon(Arm(census), Time());
  EXPECT_EQ(census.totals().peak_live, 5);
  EXPECT_EQ(census.totals().peak_abandoned, 2);
}

TEST(Census, BytesFollowTheLiveTimers) {
  Census census;
  const Census::Ticket first = Arm(census);
  Arm(census);
  EXPECT_EQ(census.totals().live_bytes, 200);
  census.Stop(first);
  EXPECT_EQ(census.totals().live_bytes, 100);
  const std::vector<SiteReport> sites = census.Report(Time()).sites;
  EXPECT_EQ(sites.at(0).live_bytes, 100);
  EXPECT_EQ(sites.at(1).live_bytes, 0) << "of the stopped one";
}

TEST(Census, ATimerOfTheLargestSizeLeavesNoBytesBehind) {
  Census census;
  const std::uint32_t huge = 0xffffffffu;
  census.Fire(census.Arm(kOnce, std::source_location::current(), huge, Time(), Time(1s)));
  EXPECT_EQ(census.totals().live_bytes, 0);
}

TEST(Census, ByteSecondsAreBytesTimesTheTimeLeftAtAbandonment) {
  Census census;
  census.Abandon(Arm(census, kOnce, 30s), Time(10s));  // 20 s left
  EXPECT_DOUBLE_EQ(census.totals().byte_seconds_lost, 2000);
  const Census::Ticket second = Arm(census, kOnce, 1500ms);
  census.Abandon(second, Time(1s));
  census.Stop(second);  // what was lost stays lost
  EXPECT_DOUBLE_EQ(census.totals().byte_seconds_lost, 2050);
  census.Abandon(Arm(census, kPeriodic, 3s), Time());
  EXPECT_DOUBLE_EQ(census.totals().byte_seconds_lost, 2050) << "a ticker has no end";
  census.Abandon(Arm(census, kOnce, 1s), Time(2s));  // the real clock may fire it late
  EXPECT_DOUBLE_EQ(census.totals().byte_seconds_lost, 2050)
      << "and none is left after the deadline";
}

TEST(Census, TicketsAreGivenOutAgainWithoutAnythingOfTheirFormerLife) {
  Census census;
  const Census::Ticket first = Arm(census, kRooted);
  const Census::Ticket second = Arm(census);
  census.Abandon(second, Time());
  census.Stop(first);
  census.Stop(second);
  EXPECT_THAT((std::vector{Arm(census), Arm(census)}),
              testing::UnorderedElementsAre(first, second));
  EXPECT_EQ(census.totals().abandoned, 0);
  EXPECT_EQ(census.totals().rooted, 0);
  EXPECT_EQ(Arm(census), 3u);
}

// So that to arm is quick, however those before them ended. As many as take all the room that the
// ledger has for what it knows of groups of them.
TEST(Census, TimersThatAreArmedOneAfterTheOtherLieNearEachOther) {
  constexpr Census::Ticket kTimers = 65'500, kNear = 128;
  Census census;
  std::vector<Census::Ticket> tickets;
  std::mt19937 random(1);
  for (int round = 0; round < 3; ++round) {
    std::ranges::shuffle(tickets, random);
    for (const Census::Ticket ticket : tickets) census.Stop(ticket);
    tickets.clear();
    Census::Ticket far = 0, last = 0;
    for (Census::Ticket i = 0; i < kTimers; ++i) {
      const Census::Ticket ticket = Arm(census);
      far += std::max(ticket, last) - std::min(ticket, last) >= kNear;
      tickets.push_back(last = ticket);
    }
    EXPECT_LE(far, kTimers / kNear + 1) << "round " << round;
    std::ranges::sort(tickets);
    EXPECT_EQ(std::ranges::unique(tickets).begin(), tickets.end()) << "one for each";
    EXPECT_EQ(tickets.back(), kTimers) << "and none more than live at a time";
  }
}

TEST(Census, ItsRecordsAreNotOnTheHeap) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  const heap::Scope scope;
  Census census;
  for (int i = 0; i < 10'000; ++i) Arm(census);
  EXPECT_EQ(scope.usage().total_blocks, 0);
}

// ---- reports

TEST(CensusReport, NamesTheLineTheFunctionAndTheKind) {
  Census census;
  const auto here = std::source_location::current();
  Arm(census, kOnce, 10s, here);
  const CensusReport report = census.Report(Time(4s));
  ASSERT_EQ(report.sites.size(), 1u);
  const SiteReport& site = report.sites[0];
  EXPECT_EQ(report.at, Time(4s));
  EXPECT_EQ(report.totals.live, 1);
  EXPECT_EQ(site.file, here.file_name());
  EXPECT_EQ(site.line, here.line());
  EXPECT_THAT(site.function, EndsWith("NamesTheLineTheFunctionAndTheKind_Test::TestBody"));
  EXPECT_EQ(site.kind, "test::Once");
  EXPECT_EQ(site.live_bytes, 100);
  EXPECT_EQ(site.usually_overtaken, 0);
}

TEST(CensusReport, AgeAndTimeLeftSpanTheLiveTimersOfASite) {
  Census census;
  const auto site = std::source_location::current();
  const Census::Ticket gone = census.Arm(kOnce, site, 1, Time(0s), Time(100s));
  census.Arm(kOnce, site, 1, Time(2s), Time(20s));
  census.Arm(kOnce, site, 1, Time(5s), Time(9s));
  census.Stop(gone);
  const SiteReport row = census.Report(Time(6s)).sites.at(0);
  EXPECT_EQ(row.oldest_age, 4s);
  EXPECT_EQ(row.shortest_left, 3s);
  EXPECT_EQ(row.longest_left, 14s);
  EXPECT_EQ(row.armed, 3);
  EXPECT_EQ(row.live, 2);
}

TEST(CensusReport, WhatIsDueAtTheStartHasNoTimeLeft) {
  Census census;
  Arm(census, kOnce, 0s);
  EXPECT_EQ(census.Report(Time()).sites.at(0).longest_left, 0s);
}

TEST(CensusReport, WhatHasNothingLiveHasNoAgeAndNoTimeLeft) {
  Census census;
  census.Stop(Arm(census));
  const SiteReport row = census.Count(Time(4s)).sites.at(0).counted;
  EXPECT_EQ(row.oldest_age, 0s);
  EXPECT_EQ(row.shortest_left, 0s);
  EXPECT_EQ(row.longest_left, 0s);
}

TEST(CensusReport, SaysHowTheTimersOfASiteEnded) {
  Census census;
  const auto here = std::source_location::current();
  const auto arm = [&] { return census.Arm(kPeriodic, here, 0, Time(), Time(3s)); };
  census.Fire(arm());
  census.FireReceived(arm());
  for (int i = 0; i < 3; ++i) census.Stop(arm());
  census.Collect(arm());
  const Census::Ticket ticker = arm();
  for (int i = 2; i <= 5; ++i) census.Tick(ticker, Time(i * 3s));
  const SiteReport site = census.Report(Time(12s)).sites.at(0);
  EXPECT_EQ(site.armed, 7);
  EXPECT_EQ(site.fired, 2);
  EXPECT_EQ(site.stopped, 3);
  EXPECT_EQ(site.ticks, 4);
  EXPECT_EQ(site.live, 1);
  EXPECT_EQ(site.bytes_each, 0);
}

TEST(CensusReport, TheLongestTimeoutIsOfThoseThatAreToEnd) {
  Census census;
  const auto here = std::source_location::current();
  const auto longest = [&] { return census.Report(Time()).sites.at(0).longest_timeout; };
  const auto arm = [&](Time deadline) { return census.Arm(kOnce, here, 0, Time(1s), deadline); };
  arm(Time(11s));
  const Census::Ticket ticket = arm(Time(31s));
  arm(Time(21s));
  EXPECT_EQ(longest(), 30s);
  arm(Time::max());
  EXPECT_EQ(longest(), 30s);
  EXPECT_TRUE(census.PutOff(ticket, kOnce, Time(5s), Time(45s)));
  EXPECT_EQ(longest(), 40s);
  EXPECT_TRUE(census.PutOff(ticket, kOnce, Time(6s), Time(16s)));
  EXPECT_TRUE(census.PutOff(ticket, kOnce, Time(6s), Time::max()));
  EXPECT_EQ(longest(), 40s);
}

// So it is with two call stacks that are shown as one place, too.
TEST(CensusReport, KindsOfOneNameAreOneRowOfTheirLine) {
  const auto here = std::source_location::current();
  const TimerKind first = kOnce, second = kOnce, ended = kOnce;
  Census census;
  census.Arm(first, here, 1, Time(), Time(10s));
  census.Arm(second, here, 1, Time(1s), Time(4s));
  census.Stop(census.Arm(ended, here, 1, Time(), Time(60s)));
  const std::vector<SiteReport> sites = census.Report(Time(2s)).sites;
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].armed, 3);
  EXPECT_EQ(sites[0].live, 2);
  EXPECT_EQ(sites[0].oldest_age, 2s);
  EXPECT_EQ(sites[0].shortest_left, 2s);
  EXPECT_EQ(sites[0].longest_left, 8s);
}

TEST(CensusReport, WhatWasArmedInAUnitOfWorkIsLeftBehindWhenThatHasEnded) {
  Census census;
  const auto here = std::source_location::current();
  const auto first = census.works().Begin(0), second = census.works().Begin(0);
  const auto arm_in = [&](internal::Works::Work work) {
    const Census::Ticket ticket = Arm(census, kOnce, 10s, here);
    census.works().Adopt(ticket, work);
    return ticket;
  };
  const auto report = [&] { return census.Report(Time(2s)).sites.at(0); };
  const Census::Ticket put_off = arm_in(first);
  arm_in(second);
  const Census::Ticket stopped = arm_in(first);
  EXPECT_EQ(report().left_behind, 0);
  EXPECT_EQ(report().works_ended, 0);
  census.works().End(first, Time(1s));
  census.works().End(second, Time(1s));
  EXPECT_EQ(report().left_behind, 3);
  EXPECT_EQ(report().works_leaving, 2);
  EXPECT_EQ(report().works_ended, 2);
  EXPECT_TRUE(census.PutOff(put_off, kOnce, Time(2s), Time(12s)));
  EXPECT_EQ(report().left_behind, 2) << "somebody else has armed it since";
  census.Stop(stopped);
  EXPECT_EQ(Arm(census, kOnce, 10s, here), stopped) << "another timer, which is of no work";
  EXPECT_EQ(report().left_behind, 1);
}

TEST(CensusReport, TwoCallsOnOneLineAreTwoSites) {
  Census census;
  for (int i = 0; i < 2; ++i) Arm(census, kOnce, 5s), Arm(census, kOnce, 7s);
  Arm(census);
  const CensusReport report = census.Report(Time());
  ASSERT_EQ(report.sites.size(), 3u);
  EXPECT_EQ(report.sites[0].live, 2);
  EXPECT_EQ(report.sites[0].longest_left, 5s);
  EXPECT_EQ(report.sites[1].live, 2);
  EXPECT_EQ(report.sites[1].longest_left, 7s);
  EXPECT_EQ(report.sites[1].line, report.sites[0].line);
  EXPECT_GT(report.sites[1].column, report.sites[0].column);
  EXPECT_EQ(report.sites[2].line, report.sites[0].line + 1);
  // The text has columns where two sites would look the same, and only there.
  const auto where = [](const SiteReport& site, bool with_column) {
    return "census_test.cc:" + std::to_string(site.line) +
           (with_column ? ":" + std::to_string(site.column) + " " : " ");
  };
  EXPECT_THAT(ToString(report), HasSubstr(where(report.sites[0], true)));
  EXPECT_THAT(ToString(report), HasSubstr(where(report.sites[1], true)));
  EXPECT_THAT(ToString(report), HasSubstr(where(report.sites[2], false)));
}

TEST(CensusReport, PeaksOfASiteAreExactAndWindowsStartAtWhatIsLive) {
  Census census;
  const auto here = std::source_location::current();
  std::vector<Census::Ticket> tickets;
  const auto report = [&] { return census.Report(Time()).sites.at(0); };
  for (int i = 0; i < 5; ++i) tickets.push_back(Arm(census, kOnce, 10s, here));
  for (int i = 0; i < 3; ++i) census.Stop(tickets[static_cast<std::size_t>(i)]);
  EXPECT_EQ(report().window_peak_live, 5);
  census.NextWindow();
  EXPECT_EQ(report().window_peak_live, 2);
  Arm(census, kOnce, 10s, here);
  EXPECT_EQ(report().window_peak_live, 3);
  EXPECT_EQ(report().peak_live, 5);
  EXPECT_EQ(report().stopped, 3);
}

TEST(CensusReport, AWindowIsOfEverySite) {
  std::deque<TimerKind> kinds;
  Census census;
  for (int i = 0; i < 100; ++i) {
    kinds.push_back(kOnce);
    census.Stop(Arm(census, kinds.back()));
    census.NextWindow();
    for (const CensusCount::At& at : census.Count(Time()).sites)
      ASSERT_EQ(at.counted.window_peak_live, 0);
  }
}

TEST(CensusReport, WhatWasAbandonedIsRememberedBySiteWhenItIsGone) {
  Census census;
  const auto here = std::source_location::current();
  for (int round = 0; round < 2; ++round) {
    const Census::Ticket one = Arm(census, kOnce, 10s, here);
    census.Abandon(one, Time(4s));
    census.Fire(one);
  }
  const SiteReport site = census.Report(Time()).sites.at(0);
  EXPECT_EQ(site.abandoned, 0);
  EXPECT_EQ(site.peak_abandoned, 1);
  EXPECT_EQ(site.ever_abandoned, 2);
  EXPECT_EQ(site.byte_seconds_lost, 2 * 100 * 6.0);
  EXPECT_EQ(site.bytes_each, 100);
}

TEST(Census, ResourcesAreCountedApart) {
  Census census;
  Arm(census);
  const Census::Ticket context = Arm(census, kContext);
  census.Abandon(context, Time());
  EXPECT_EQ(census.totals().live, 1);
  EXPECT_EQ(census.totals().abandoned, 0);
  EXPECT_EQ(census.totals(Resource::kContext).live, 1);
  EXPECT_EQ(census.totals(Resource::kContext).abandoned, 1);
  EXPECT_EQ(census.totals(Resource::kGoroutine).armed, 0);
  ASSERT_EQ(census.Report(Time(), Resource::kContext).sites.size(), 1u);
  EXPECT_EQ(census.Report(Time(), Resource::kContext).sites[0].kind, "test::Context");
  EXPECT_EQ(census.Report(Time()).sites.size(), 1u);
  census.Stop(context);
  EXPECT_EQ(census.totals(Resource::kContext).stopped, 1);
  EXPECT_EQ(census.totals().stopped, 0);
}

TEST(Census, StaleValuesAreCountedBySite) {
  Census census;
  const auto here = std::source_location::current();
  census.Stop(Arm(census, kOnce, 10s, here));
  census.CountStale(kOnce, here);
  EXPECT_EQ(census.totals().stale, 1);
  EXPECT_TRUE(census.totals().Conserved());
  EXPECT_EQ(census.Report(Time()).sites.at(0).stale, 1);
  EXPECT_THAT(ToString(census.Report(Time())), HasSubstr("stale values: 1"));
}

TEST(CensusReport, DifferentKindsOfOneLineAreDifferentRows) {
  const auto here = std::source_location::current();
  std::deque<std::string> names;
  std::deque<TimerKind> kinds;  // enough of them that hashes collide
  Census census;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("test::Kind" + std::to_string(i));
    kinds.push_back({.name = names.back()});
    census.Stop(Arm(census, kinds.back(), 10s, here));
  }
  for (const TimerKind& kind : kinds) Arm(census, kind, 10s, here);
  const std::vector<SiteReport> sites = census.Report(Time()).sites;
  EXPECT_EQ(sites.size(), 1000u);
  for (const SiteReport& site : sites) {
    EXPECT_EQ(site.armed, 2);
    EXPECT_EQ(site.live, 1);
    EXPECT_EQ(site.peak_live, 1) << "it was known when it was armed again";
  }
}

TEST(CensusReport, PutsTheMostAbandonedSiteFirstThenTheMostLiveAndTheEmptyLast) {
  Census census;
  census.Stop(Arm(census));
  const auto few = std::source_location::current();
  const auto many = std::source_location::current();
  const auto abandoned = std::source_location::current();
  Arm(census, kOnce, 1s, few);
  for (int i = 0; i < 3; ++i) Arm(census, kOnce, 1s, many);
  census.Abandon(Arm(census, kOnce, 1s, abandoned), Time());
  std::vector<std::int64_t> live;
  for (const SiteReport& site : census.Report(Time()).sites) live.push_back(site.live);
  EXPECT_THAT(live, ElementsAre(1, 3, 1, 0));
  EXPECT_EQ(census.Report(Time()).sites[0].line, abandoned.line());
}

TEST(CensusReport, CoversAMillionLiveTimers) {
  Census census;
  const auto first = std::source_location::current();
  const auto second = std::source_location::current();
  std::vector<Census::Ticket> tickets;
  for (int i = 0; i < 1'000'000; ++i)
    tickets.push_back(Arm(census, kOnce, 1s + Duration(i), i % 4 == 0 ? first : second));
  const CensusReport report = census.Report(Time());
  ASSERT_EQ(report.sites.size(), 2u);
  EXPECT_EQ(report.sites[0].live, 750'000);
  EXPECT_EQ(report.sites[1].live, 250'000);
  EXPECT_EQ(report.sites[0].longest_left, 1s + 999'999ns);
  EXPECT_EQ(report.sites[1].longest_left, 1s + 999'996ns);
  EXPECT_EQ(report.totals.live_bytes, 100'000'000);
  for (const Census::Ticket ticket : tickets) census.Fire(ticket);
  EXPECT_EQ(census.Report(Time()).sites[0].live, 0);
  EXPECT_TRUE(census.totals().Conserved());
}

std::size_t WidestLine(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

// What 60 s of looping_select at 10,000 messages a second leaves behind.
CensusReport BusyReport() {
  CensusReport report{.at = Time(60s), .totals = {}, .sites = {}};
  report.totals = {.live = 330'000,
                   .abandoned = 329'998,
                   .armed = 1'200'000,
                   .fired = 870'000,
                   .fired_unheard = 870'000,
                   .peak_live = 330'000,
                   .peak_abandoned = 329'998,
                   .byte_seconds_lost = 2.97e9};
  report.sites.resize(3);
  SiteReport& leaky = report.sites[0];
  static_cast<Place&>(leaky) = {"leaky/looping_select.cc", 17, 1, "leaky::LoopingSelect"};
  leaky.kind = "time::After";
  leaky.armed = 600'000;
  leaky.live = 300'000;
  leaky.abandoned = 299'999;
  leaky.live_bytes = 48'000'000;
  leaky.oldest_age = 29999900us;
  leaky.longest_left = 30s;
  SiteReport& forever = report.sites[1];
  static_cast<Place&>(forever) = {"leaky/signal_before_expiry.cc", 123, 1,
                                  "leaky::SignalBeforeExpiry"};
  forever.kind = "time::AfterFunc";
  forever.live = 1;
  forever.longest_left = Duration::max();
  SiteReport& gone = report.sites[2];
  static_cast<Place&>(gone) = {"leaky/gone.cc", 9, 1, "leaky::Gone"};
  gone.kind = "time::After";
  gone.armed = 7;
  return report;
}

TEST(CensusText, FitsEightyColumns) {
  const std::string text = ToString(BusyReport());
  EXPECT_LE(WidestLine(text), 80u) << text;
}

TEST(CensusText, NamesFileLineAndFunctionOfEverySiteThatHasLiveTimers) {
  const std::string text = ToString(BusyReport());
  EXPECT_THAT(text, HasSubstr("leaky/looping_select.cc:17 leaky::LoopingSelect"));
  EXPECT_THAT(text, HasSubstr("leaky/signal_before_expiry.cc:123 leaky::SignalBeforeExpiry"));
  EXPECT_THAT(text, HasSubstr("time::AfterFunc"));
  EXPECT_THAT(text, HasSubstr("forever"));
  EXPECT_THAT(text, Not(HasSubstr("leaky/gone.cc")));
}

TEST(CensusText, ShowsTheBalanceAndWhatWasLost) {
  const std::string text = ToString(BusyReport());
  EXPECT_THAT(text, HasSubstr("330000 live, 329998 abandoned"));
  EXPECT_THAT(text,
              HasSubstr("armed 1200000 = fired 870000 + stopped 0 + collected 0 + live 330000"));
  EXPECT_THAT(text, HasSubstr("2970000000 byte-seconds"));
}

TEST(CensusText, OfAnEmptyCensusHasNoTable) {
  EXPECT_THAT(ToString(CensusReport{}), Not(HasSubstr("armed by")));
  EXPECT_EQ(ToString(CensusReport{}),
            "census at 0s: 0 live, 0 abandoned (peak 0 and 0)\n"
            "  armed 0 = fired 0 + stopped 0 + collected 0 + live 0\n");
}

TEST(CensusText, IsAHeadAndATable) {
  CensusReport report{.at = Time(2s), .totals = {}, .sites = {}};
  report.totals = {.live = 1,
                   .armed = 3,
                   .fired = 1,
                   .fired_unheard = 1,
                   .stopped = 1,
                   .stale = 1,
                   .peak_live = 2,
                   .peak_abandoned = 1,
                   .byte_seconds_lost = 1};
  SiteReport& site = report.sites.emplace_back();
  static_cast<Place&>(site) = {"net/client.cc", 31, 1, "net::Poll", {"net/client.cc:7 net::Run"}};
  site.kind = "time::NewTimer";
  site.live = 1;
  site.live_bytes = 96;
  site.oldest_age = 2s;
  site.longest_left = 30 * 24h;
  EXPECT_EQ(ToString(report),
            "census at 2s: 1 live, 0 abandoned (peak 2 and 1)\n"
            "  armed 3 = fired 1 + stopped 1 + collected 0 + live 1\n"
            "  of the fired, 1 were abandoned before: nobody heard them\n"
            "  stale values: 1 were left in their channels by Stop or Reset\n"
            "  lost to abandoned timers: 1 byte-seconds\n"
            "       live abandoned      bytes    oldest      left  armed by\n"
            "          1         0         96        2s  720h0m0s  time::NewTimer\n"
            "      net/client.cc:31 net::Poll\n"
            "          from net/client.cc:7 net::Run\n");
}

// ---- many threads

TEST(SharedCensus, IsConservedHoweverManyThreadsFeedIt) {
  SharedCensus shared;
  constexpr int kThreads = 4;
  constexpr int kTimers = 5000;
  const auto feed = [&] {
    for (int i = 0; i < kTimers; ++i) {
      const Census::Ticket ticket = shared.Locked([](Census& census) { return Arm(census); });
      shared.Locked([&](Census& census) {
        if (i % 4 == 0) census.Fire(ticket);
        if (i % 4 == 1) census.Stop(ticket);
        if (i % 4 == 2) census.Collect(ticket);
        if (i % 4 == 3) census.Abandon(ticket, Time());
      });
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(feed);
  }
  const CensusReport report =
      shared.Locked([](const Census& census) { return census.Report(Time()); });
  EXPECT_TRUE(report.totals.Conserved());
  EXPECT_EQ(report.totals.armed, kThreads * kTimers);
  EXPECT_EQ(report.totals.live, kThreads * kTimers / 4);
  EXPECT_EQ(report.totals.abandoned, kThreads * kTimers / 4);
  ASSERT_EQ(report.sites.size(), 1u);
  EXPECT_EQ(report.sites[0].peak_live, report.totals.peak_live);
}

// ---- random programs

TEST(CensusRandomProgram, IsConservedAndAgreesWithANaiveModel) {
  struct Model {
    Census::Ticket ticket;
    bool rooted, abandoned;
  };
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    Census census;
    std::vector<Model> live;
    for (int step = 0; step < 300; ++step) {
      Model* any = live.empty() ? nullptr : &live[random() % live.size()];
      const auto action = random() % 8;
      if (action < 4 || any == nullptr) {
        const bool rooted = random() % 4 == 0;
        live.push_back({Arm(census, rooted ? kRooted : kOnce), rooted, false});
      } else if (action == 4) {
        if (!any->rooted && !any->abandoned)
          census.Abandon(any->ticket, Time()), any->abandoned = true;
      } else {
        (census.*(action == 5   ? &Census::Fire
                  : action == 6 ? &Census::Stop
                                : &Census::Collect))(any->ticket);
        *any = live.back();
        live.pop_back();
      }
      const CensusTotals& totals = census.totals();
      ASSERT_TRUE(totals.Conserved());
      ASSERT_EQ(totals.live, static_cast<std::int64_t>(live.size()));
      ASSERT_EQ(totals.abandoned, std::ranges::count_if(live, &Model::abandoned));
      ASSERT_EQ(totals.rooted, std::ranges::count_if(live, &Model::rooted));
      ASSERT_LE(totals.abandoned + totals.rooted, totals.live);
    }
  }
}

// The largest number that the ledger does not tell from this one: it counts those up to 8 exactly,
// and then in four steps for each power of two.
std::int64_t LargestLike(std::int64_t overtaken) {
  if (overtaken < 8) return overtaken;
  return overtaken |
         (static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(overtaken))) / 4 - 1);
}

// A site, and each of its timers with what the site had when it was armed.
struct Crowd {
  struct Timer {
    Census::Ticket ticket;
    std::int64_t stops, live;
  };
  std::string name;
  TimerKind kind{};
  std::vector<Timer> live{};
  std::int64_t stops = 0;
  std::vector<std::int64_t> ended{};  // by how many each was overtaken
  std::int64_t most_of_stopped = 0;

  std::int64_t Overtaken(const Timer& timer) const {
    return std::max<std::int64_t>(0, stops - timer.stops - timer.live);
  }
  std::int64_t Live() const { return static_cast<std::int64_t>(live.size()); }
  std::int64_t Most() const {
    std::int64_t most = 0;
    for (const Timer& timer : live) most = std::max(most, Overtaken(timer));
    return most;
  }
  std::int64_t Usually() const {
    if (ended.empty()) return 0;
    std::vector<std::int64_t> sorted = ended;
    std::ranges::sort(sorted);
    return std::max(LargestLike(sorted[(sorted.size() * 99 + 99) / 100 - 1]), most_of_stopped);
  }
  std::int64_t Outlived() const {
    const std::int64_t many = 2 * Usually() + 10;
    return stops < 20 ? 0
                      : std::ranges::count_if(
                            live, [&](const Timer& timer) { return Overtaken(timer) > many; });
  }
  void End(std::size_t which, bool stop) {
    ended.push_back(Overtaken(live[which]));
    if (stop) most_of_stopped = std::max(most_of_stopped, ended.back());
    stops += stop;
    live.erase(live.begin() + static_cast<std::ptrdiff_t>(which));
  }
};

TEST(CensusRandomProgram, KnowsByHowManyEachWasOvertaken) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto here = std::source_location::current();
    Census census;
    census.KeepOvertaken();
    std::deque<Crowd> crowds;
    const auto expect = [](const SiteReport& site, const Crowd& crowd) {
      ASSERT_EQ(site.live, crowd.Live());
      ASSERT_EQ(site.most_overtaken, crowd.Most());
      ASSERT_EQ(site.usually_overtaken, crowd.Usually());
      ASSERT_EQ(site.outlived, crowd.Outlived());
    };
    for (std::size_t step = 0; step < 6000; ++step) {
      if (step % 200 == 0) {
        Crowd& crowd = crowds.emplace_back("test::Kind" + std::to_string(crowds.size()));
        crowd.kind.name = crowd.name;
      }
      const std::size_t site = random() % 2 == 0 ? 0 : random() % crowds.size();
      Crowd& crowd = crowds[site];
      const auto action = random() % 16;
      if (action < 8 || crowd.live.empty()) {
        const Census::Ticket ticket = census.Arm(crowd.kind, here, 0, Time(), Time(60s));
        crowd.live.push_back({ticket, crowd.stops, crowd.Live()});
      } else if (action == 8) {
        Crowd::Timer& any = crowd.live[random() % crowd.live.size()];
        ASSERT_TRUE(census.PutOff(any.ticket, crowd.kind, Time(), Time(60s)));
        any = {any.ticket, crowd.stops, crowd.Live() - 1};
      } else {
        // Most that end are the last ones that were armed.
        const bool stop = action < 15;
        const std::size_t which =
            action < 14 ? crowd.live.size() - 1 : random() % crowd.live.size();
        (census.*(stop ? &Census::Stop : &Census::Fire))(crowd.live[which].ticket);
        crowd.End(which, stop);
      }
      const CensusCount count = census.Count(Time());
      for (const CensusCount::At& at : count.sites) {
        if (at.kind == &crowd.kind) expect(at.counted, crowd);
      }
      if (HasFatalFailure()) return;
    }
    for (const SiteReport& row : census.Report(Time()).sites)
      expect(row, *std::ranges::find(crowds, row.kind, &Crowd::name));
    EXPECT_GT(census.totals().live, 256);
  }
}

// ---- site.h

struct Spelling {
  const char* pretty;
  const char* expected;
};

TEST(ShortFunction, IsTheQualifiedNameInTheSpellingsOfGccAndClang) {
  const Spelling spellings[] = {
      {"int main()", "main"},
      {"int main(int, char**)", "main"},
      {"main", "main"},
      {"std::optional<int> leaky::Session(Chan<int>, Duration)", "leaky::Session"},
      {"std::map<int, std::function<void(int)> > Make(int)", "Make"},
      {"const char* Name()", "Name"},
      {"const char *Name()", "Name"},
      {"const std::string& Host::name() const", "Host::name"},
      {"static void Host::Run(int) noexcept", "Host::Run"},
      {"virtual void afterleak::Chan_Sends_Test::TestBody()",
       "afterleak::Chan_Sends_Test::TestBody"},
      {"Host::Host(int)", "Host::Host"},
      {"virtual Host::~Host()", "Host::~Host"},
      {"T Largest(T, T) [with T = int]", "Largest"},
      {"T Largest(T, T) [T = int]", "Largest"},
      {"void Stack<T>::Push(T) [with T = int]", "Stack::Push"},
      {"void Outer<T>::Inner<U>::Push(U) [with U = int; T = char]", "Outer::Inner::Push"},
      {"main()::<lambda()>", "main"},
      {"leaky::Session(int)::<lambda(int)>", "leaky::Session"},
      {"auto leaky::Session(int)::(anonymous class)::operator()(int) const", "leaky::Session"},
      {"void afterleak::{anonymous}::Helper(int)", "afterleak::{anonymous}::Helper"},
      {"void afterleak::(anonymous namespace)::Helper(int)",
       "afterleak::(anonymous namespace)::Helper"},
      {"int (anonymous namespace)::Helper()", "(anonymous namespace)::Helper"},
      {"bool Host::operator==(const Host&) const", "Host::operator=="},
      {"bool a::operator<(const Host&, const Host&)", "a::operator<"},
      {"std::ostream& operator<<(std::ostream&, const Host&)", "operator<<"},
      {"bool operator>(const Host&, const Host&)", "operator>"},
      {"Host* Handle::operator->() const", "Handle::operator->"},
      {"Host& Handle::operator*() const", "Handle::operator*"},
      {"int Worker::operator()(int) const", "Worker::operator()"},
      {"Handle::operator bool() const", "Handle::operator bool"},
      {"void* operator new(size_t)", "operator new"},
      {"void my_operator(int)", "my_operator"},
      {"void operators::Run()", "operators::Run"},
  };
  for (const auto& [pretty, expected] : spellings)
    EXPECT_EQ(ShortFunction(pretty), expected) << pretty;
}

TEST(ShortFunction, ReturnsWholeWhatDoesNotLookLikeAFunction) {
  for (const char* odd : {"", "<lambda()>", "top level", "(", "<", ">", "operator",
                          "void (* Pick(int))(int)", "a::(unnamed)::b()"}) {
    EXPECT_EQ(ShortFunction(odd), odd);
  }
}

template <typename T>
struct Template {
  std::string Member() { return ShortFunction(std::source_location::current().function_name()); }
};

TEST(ShortFunction, HoldsForWhatThisCompilerSays) {
  EXPECT_THAT(Template<std::vector<int>>().Member(), EndsWith("Template::Member"));
  const auto lambda = [] { return ShortFunction(std::source_location::current().function_name()); };
  EXPECT_THAT(lambda(), HasSubstr("HoldsForWhatThisCompilerSays_Test::TestBody"));
}

// ---- mapped_array.h

TEST(MappedArray, ElementsStartZeroedAndNeverMove) {
  struct Element {
    std::uint64_t value[3];
  };
  internal::MappedArray<Element> array;
  EXPECT_EQ(array.size(), 0u);
  std::vector<Element*> addresses;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    ASSERT_EQ(array.Grow(), i);
    addresses.push_back(&array[i]);
    ASSERT_EQ(array[i].value[0] | array[i].value[1] | array[i].value[2], 0u);
    array[i].value[1] = i;
  }
  EXPECT_EQ(array.size(), 100'000u);
  for (std::uint64_t i = 0; i < addresses.size(); ++i) {
    ASSERT_EQ(&array[i], addresses[i]);
    ASSERT_EQ(array[i].value[1], i);
  }
}

TEST(MappedArray, HoldsElementsLargerThanAPage) {
  struct Large {
    char bytes[10'000];
  };
  internal::MappedArray<Large> array;
  for (std::size_t i = 0; i < 20; ++i) array[array.Grow()].bytes[9'999] = static_cast<char>(i);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(array[i].bytes[9'999], static_cast<char>(i));
}

}  // namespace
}  // namespace afterleak
