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

using namespace std::chrono_literals;

constexpr TimerKind kLimit{.name = "test::Limit", .rooted = true};

// Thirty connections in a pool, each with a time limit while nobody uses it: for `seconds` all are
// used in turn. Then the load ebbs, and one is used again and again.
Word WordOfAPool(int seconds, Duration limit) {
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
  return report.sites.at(0).word;
}

TEST(Report, NothingWasForgottenWhereNoTimeLimitEverRanOutThoughThereWasTime) {
  EXPECT_NE(WordOfAPool(10, 4s), Word::kLeak);
  EXPECT_EQ(WordOfAPool(10, 5s), Word::kLeak) << "in less than twice its time nobody can know";
}

}  // namespace
}  // namespace afterleak::watch
