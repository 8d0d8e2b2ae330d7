// The word of a site, from a ledger and its windows.
#include "watch/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <source_location>
#include <vector>

#include "afterleak/census/judge.h"

namespace afterleak::watch {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr TimerKind kLimit{.name = "test::Limit", .rooted = true};

// Thirty connections in a pool, each with a time limit while nobody uses it: for `seconds` all are
// used in turn. Then the load ebbs, and one is used again and again.
SiteRow SeenOfAPool(int seconds, Duration limit) {
  Census census;
  census.KeepOvertaken();
  Windows windows(1s);
  std::vector<Census::Ticket> pool(30);
  const Site site = std::source_location::current();
  const auto use = [&](Census::Ticket& one, int second, bool known) {
    if (known) census.Stop(one);
    const Time now = Time(std::chrono::seconds(second));
    one = census.Arm(kLimit, site, 0, now, now + limit);
  };
  for (int second = 0; second <= seconds; ++second) {
    for (Census::Ticket& one : pool) use(one, second, second > 0);
    windows.Add(census.Count(Time(std::chrono::seconds(second))));
    census.NextWindow();
  }
  for (int i = 0; i < 200; ++i) use(pool[0], seconds, true);
  const CensusCount last = census.Count(Time(std::chrono::seconds(seconds)));
  Report report;
  report.watched = std::chrono::seconds(seconds);
  Judge({.last = last, .before = last, .windows = windows}, {}, nullptr, report);
  return report.sites.at(0);
}

TEST(Report, NothingWasForgottenWhereNoTimeLimitEverRanOutThoughThereWasTime) {
  EXPECT_NE(SeenOfAPool(10, 4s).word, Word::kLeak);
  EXPECT_EQ(SeenOfAPool(10, 5s).word, Word::kLeak) << "in less than twice its time nobody can know";
  EXPECT_THAT(SeenOfAPool(10, 5s).evidence,
              HasSubstr("; not watched for twice its longest time limit, 5s: "));
}

}  // namespace
}  // namespace afterleak::watch
