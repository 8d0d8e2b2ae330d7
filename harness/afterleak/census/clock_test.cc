#include "afterleak/census/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace afterleak {
namespace {

using namespace std::chrono_literals;

TEST(SaturatingAdd, AddsWhatFits) {
  EXPECT_EQ(SaturatingAdd(Time(3s), 4s), Time(7s));
  EXPECT_EQ(SaturatingAdd(Time(), 1ns), Time(1ns));
}

TEST(SaturatingAdd, ADelayOfZeroOrLessIsNow) {
  EXPECT_EQ(SaturatingAdd(Time(3s), 0s), Time(3s));
  EXPECT_EQ(SaturatingAdd(Time(3s), -1ns), Time(3s));
  EXPECT_EQ(SaturatingAdd(Time(3s), Duration::min()), Time(3s));
}

TEST(SaturatingAdd, ASumTooLargeIsNever) {
  EXPECT_EQ(SaturatingAdd(Time(1ns), Duration::max()), Time::max());
  EXPECT_EQ(SaturatingAdd(Time::max() - 1ns, 2ns), Time::max());
  EXPECT_EQ(SaturatingAdd(Time::max(), 1ns), Time::max());
  EXPECT_EQ(SaturatingAdd(Time::max(), Duration::max()), Time::max());
}

TEST(SaturatingAdd, TheLargestSumThatFitsIsExact) {
  EXPECT_EQ(SaturatingAdd(Time(), Duration::max()), Time::max());
  EXPECT_EQ(SaturatingAdd(Time(1ns), Duration::max() - 1ns), Time::max());
  EXPECT_EQ(SaturatingAdd(Time(1ns), Duration::max() - 2ns), Time::max() - 1ns);
  EXPECT_EQ(SaturatingAdd(Time::max() - 2ns, 1ns), Time::max() - 1ns);
}

TEST(SaturatingAdd, WorksAtCompileTime) {
  static_assert(SaturatingAdd(Time(1ns), Duration::max()) == Time::max());
}

TEST(RealNow, NeverGoesBackInAnyThreadNorIsBelowZero) {
  const auto read_many = [](std::vector<Time>& readings) {
    for (Time& reading : readings) reading = RealNow();
  };
  std::vector<std::vector<Time>> readings(3, std::vector<Time>(20'000));
  std::vector<std::thread> threads;
  for (auto& mine : readings) threads.emplace_back(read_many, std::ref(mine));
  for (std::thread& thread : threads) thread.join();
  const Time after_all = RealNow();
  for (const auto& mine : readings) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    EXPECT_GE(mine.front(), Time());
    EXPECT_LE(mine.back(), after_all);
  }
}

TEST(ToSteady, IsTheSameInstantOnTheStandardClock) {
  const auto before = std::chrono::steady_clock::now();
  const auto now = ToSteady(RealNow());
  const auto after = std::chrono::steady_clock::now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
  EXPECT_EQ(ToSteady(Time(5s)) - ToSteady(Time(2s)), 3s);
}

TEST(ToSteady, NeverIsFarInTheFutureAndNotInThePast) {
  const auto now = std::chrono::steady_clock::now();
  EXPECT_GT(ToSteady(Time::max()), now + std::chrono::hours(24 * 365));
  EXPECT_GT(ToSteady(Time::max() - 1ns), now + std::chrono::hours(24 * 365));
}

}  // namespace
}  // namespace afterleak
