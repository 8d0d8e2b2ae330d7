#include "afterleak/census/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <source_location>
#include <string>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"

namespace afterleak {
namespace site_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr TimerKind kOnce{.name = "test::Once"};

// The clock that every project has, so that its tests can replace it.
struct Clock {
  Census& census;
  Census::Ticket After(std::source_location site = std::source_location::current()) const;
};
struct Wrapper {
  const Clock& clock;
  [[gnu::noinline]] Census::Ticket After() const { return clock.After(); }
};
Census::Ticket Clock::After(std::source_location site) const {
  return census.Arm(kOnce, site, 100, Time(), Time());
}

[[gnu::noinline]] Census::Ticket Poll(const Wrapper& clock) {
  const Census::Ticket ticket = clock.After();
  asm volatile("");  // no tail call: it would take this frame off the stack
  return ticket;
}
[[gnu::noinline]] Census::Ticket Drain(const Wrapper& clock) {
  const Census::Ticket ticket = clock.After();
  asm volatile("");
  return ticket;
}

// Two timers that Poll arms and one that Drain does.
CensusReport Armed(Census& census) {
  const Clock clock{census};
  for (int i = 0; i < 2; ++i) Poll({clock});
  Drain({clock});
  return census.Report(Time());
}

TEST(SitesByLine, TwoCallersOfAWrapperAreOneSite) {
  Census census;
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(1));
  EXPECT_THAT(report.sites[0].called_from, IsEmpty());
}

TEST(SitesByCallStack, TwoCallersOfAWrapperAreTwoSitesThatNameThem) {
  Census census;
  census.KeepCallStacks({});
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(2));
  EXPECT_EQ(report.sites[0].live, 2);
  EXPECT_EQ(report.sites[0].line, report.sites[1].line);
  EXPECT_THAT(report.sites[0].function, HasSubstr("Wrapper::After"));
  EXPECT_THAT(report.sites[0].called_from.at(0), HasSubstr("site_test.cc:"));
  EXPECT_THAT(report.sites[0].called_from.at(0), HasSubstr("Poll"));
  EXPECT_THAT(report.sites[1].called_from.at(0), HasSubstr("Drain"));
  EXPECT_THAT(ToString(report), HasSubstr("from harness/afterleak/census/site_test.cc:"));
}

TEST(SitesByCallStack, ADeclaredWrapperIsNotShown) {
  Census census;
  census.KeepCallStacks({"afterleak::site_test::Wrapper::"});
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(2));
  EXPECT_EQ(report.sites[0].function, "afterleak::site_test::Poll");
  EXPECT_EQ(report.sites[0].file, "harness/afterleak/census/site_test.cc");
  EXPECT_EQ(report.sites[1].function, "afterleak::site_test::Drain");
  EXPECT_NE(report.sites[0].line, report.sites[1].line);
}

TEST(SitesByCallStack, AFindingOfTheJudgeNamesTheCaller) {
  Census census;
  census.KeepCallStacks({"afterleak::site_test::Wrapper::"});
  const Clock clock{census};
  census.Abandon(Drain({clock}), Time());
  const std::vector<Finding> findings = JudgeAbandoned(census.Report(Time()));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].function, "afterleak::site_test::Drain");
}

// A function that arms, and takes no line: as those of event loops do.
[[gnu::noinline]] Site ArmsWithoutALine() {
  return Site(internal::CaptureCallStack(__builtin_return_address(0)));
}
[[gnu::noinline]] Site Request() {
  const Site site = ArmsWithoutALine();
  asm volatile("");
  return site;
}
constexpr int kRequestLine = __LINE__ - 4;

TEST(SitesWithoutALine, AreWhereTheFunctionThatArmsWasCalled) {
  const Place place = PlaceOf(Request());
  EXPECT_THAT(place.file, StartsWith("harness/afterleak/census/site_test.cc"));
  EXPECT_EQ(place.line, kRequestLine);
  EXPECT_THAT(place.function, HasSubstr("Request"));
  EXPECT_THAT(place.called_from.at(0), HasSubstr("TestBody"));
}

TEST(SitesWithoutALine, PassOverADeclaredWrapper) {
  const std::vector<std::string> wrappers{"afterleak::site_test::Request"};
  EXPECT_THAT(PlaceOf(Request(), wrappers).function, HasSubstr("TestBody"));
}

TEST(SitesWithoutALine, PassOverLibrariesBetweenTheProgramsOwnFrames) {
  static Site site;
  int numbers[] = {2, 1};
  std::qsort(numbers, 2, sizeof(int), [](const void*, const void*) {
    site = Request();
    return 0;
  });
  const Place place = PlaceOf(site);
  ASSERT_THAT(place.called_from.size(), testing::Ge(2u));
  EXPECT_THAT(place.called_from[0], HasSubstr("site_test.cc")) << "the lambda";
  EXPECT_THAT(place.called_from[1], HasSubstr("TestBody")) << "and not qsort";
}

TEST(SiteFits, AFileALineOrAFunction) {
  const auto fits = [](const char* site) {
    return SiteFits(site, "src/net/server.cc", 42, "net::Server::Run");
  };
  EXPECT_TRUE(fits("server.cc"));
  EXPECT_TRUE(fits("net/server.cc"));
  EXPECT_TRUE(fits("net/server.cc:42"));
  EXPECT_TRUE(fits("net::Server::Run"));
  EXPECT_TRUE(fits("net::Server::"));
  EXPECT_FALSE(fits("server.cc:41"));
  EXPECT_FALSE(fits("erver.cc"));
  EXPECT_FALSE(fits("net"));
  EXPECT_FALSE(fits("net::Server"));
}

}  // namespace site_test
}  // namespace afterleak
