// GoogleTest assertions about the timers of event loops.
//
//   TEST(Server, LeavesNothingBehind) {
//     EXPECT_TRUE(loops::LeavesNothingBehind([] { ServeOneRequest(); }, {.calls = 100}));
//   }
//   TEST(Server, Closes) {
//     const Inventory before = loops::Alive();
//     RunTheServer();
//     EXPECT_TRUE(loops::NothingLeftSince(before));       // a failure names the lines
//   }
//
// For every test of a program: link afterleak::loops_main in place of GTest::gtest_main (main.cc),
// or add the listener NoTimersLeft. The assertions fail a test that saw nothing (no timer armed),
// also where they are negated. Header only, so that the library itself needs no GoogleTest. Link
// GTest::gmock. For other frameworks, leak_check.h has the same as plain functions.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "afterleak/loops/leak_check.h"
#include "afterleak/loops/loops.h"

namespace afterleak::loops {

namespace internal {
// A check that saw nothing fails the test whatever is made of its result.
inline testing::AssertionResult ResultOf(const Verdict& verdict) {
  if (!verdict.unfounded.empty()) ADD_FAILURE() << verdict.unfounded;
  return (verdict ? testing::AssertionSuccess() : testing::AssertionFailure()) << ToString(verdict);
}
}  // namespace internal

// Passes if the work, done `calls` times on this thread, leaves no timer armed or idle that was not
// there before, and (from 50 calls on) no heap blocks. See CheckLeftBehind.
inline testing::AssertionResult LeavesNothingBehind(const std::function<void()>& work,
                                                    const WorkOptions& options = {}) {
  return internal::ResultOf(CheckLeftBehind(work, options));
}

// Passes if no timer is armed or idle that was not there at `before`, an earlier loops::Alive().
inline testing::AssertionResult NothingLeftSince(const Inventory& before,
                                                 const CheckOptions& options = {}) {
  return internal::ResultOf(CheckLeftSince(before, options));
}

// Passes if no timer was ever abandoned in this process. See CheckAbandoned.
inline testing::AssertionResult NothingAbandoned(const CheckOptions& options = {}) {
  return internal::ResultOf(CheckAbandoned(options));
}

// For every test of a program: a test fails if it leaves a timer armed or idle that was not there
// when it began, or abandons one. What other threads are still ending gets `patience`. In main:
//   testing::UnitTest::GetInstance()->listeners().Append(
//       new loops::NoTimersLeft(Allowance::FromFile("timers.allow")));
class NoTimersLeft : public testing::EmptyTestEventListener {
 public:
  explicit NoTimersLeft(Allowance allowed = {},
                        std::chrono::milliseconds patience = std::chrono::seconds(1))
      : options_{.allowed = std::move(allowed), .may_be_idle = true}, patience_(patience) {}

  void OnTestStart(const testing::TestInfo&) override { before_ = Alive(); }
  void OnTestEnd(const testing::TestInfo&) override {
    constexpr std::chrono::milliseconds kPause(10);
    for (std::int64_t tries = patience_ / kPause;; --tries) {
      const Verdict verdict = CheckLeftSince(before_, options_);
      if (verdict) return;
      if (tries <= 0) {
        ADD_FAILURE() << ToString(verdict);
        return;
      }
      std::this_thread::sleep_for(kPause);
    }
  }

 private:
  const CheckOptions options_;
  const std::chrono::milliseconds patience_;
  Inventory before_;
};

}  // namespace afterleak::loops
