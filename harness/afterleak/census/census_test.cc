#include "afterleak/census/census.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  EXPECT_TRUE(census.totals().Conserved());
  EXPECT_TRUE(census.Report(Time()).sites.empty());
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

// So that to arm is quick, however those before them ended.
TEST(Census, TimersThatAreArmedOneAfterTheOtherLieNearEachOther) {
  constexpr Census::Ticket kTimers = 10'000, kNear = 128;
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
    Arm(census, kinds.back(), 10s, here);
  }
  const std::vector<SiteReport> sites = census.Report(Time()).sites;
  EXPECT_EQ(sites.size(), 1000u);
  EXPECT_TRUE(std::ranges::all_of(sites, [](const SiteReport& site) { return site.live == 1; }));
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
