// What the tests of the library share: a bubble to run a test in, both timer modes, the text of a
// panic and the lines in it, and the skip of what needs a heap that counts.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>

#include "afterleak/bubble/bubble.h"
#include "afterleak/bubble/panic.h"
#include "afterleak/census/census.h"
#include "afterleak/heap/heap.h"

// First in a test, or in the SetUp of a fixture. A macro, because it returns from where it stands.
#define AFTERLEAK_SKIP_UNLESS_COUNTING() \
  if (!::afterleak::heap::Counting()) GTEST_SKIP() << "operator new does not count here"

namespace afterleak {

// The text of the panic that `act` ended in.
template <typename Act>
std::string PanicOf(const Act& act) {
  try {
    act();
  } catch (const Panic& panic) {
    return panic.what();
  }
  return "no panic";
}

// "chan_test.cc:12" as a message has it, for a line of the test that calls.
inline std::string AtLine(std::uint_least32_t line,
                          std::source_location site = std::source_location::current()) {
  return std::string(site.file_name()) + ":" + std::to_string(line);
}

// Runs `main` in a new bubble. ASSERT_ works in it: it returns from the lambda.
inline void InBubble(const std::function<void()>& main, const Bubble::Options& options = {}) {
  Bubble(options).Run(main);
}

// A base of fixtures: the bubble of one test, which runs `InBubble([&] { ... })` as its main
// goroutine. The totals must add up at the end.
class TestBubble {
 protected:
  explicit TestBubble(const Bubble::Options& options) : bubble_(options) {}
  ~TestBubble() { EXPECT_TRUE(bubble_.Totals().Conserved()); }

  void InBubble(const std::function<void()>& main) { bubble_.Run(main); }
  CensusTotals Totals() const { return bubble_.Totals(); }

  Bubble bubble_;
};

// The fixture of tests that run in both timer modes:
//   INSTANTIATE_TEST_SUITE_P(Modes, MyTest, kTimerModes, NameOfTimerMode);
class TimerModeTest : public testing::TestWithParam<TimerMode>, public TestBubble {
 protected:
  explicit TimerModeTest(ClockKind clock = ClockKind::kVirtual)
      : TestBubble({.clock = clock, .timers = GetParam()}) {}

  bool go122() const { return GetParam() == TimerMode::kGo122; }
};

inline const auto kTimerModes = testing::Values(TimerMode::kGo122, TimerMode::kGo123);
inline std::string NameOfTimerMode(const testing::TestParamInfo<TimerMode>& info) {
  return std::string(ToString(info.param));
}

}  // namespace afterleak
