#include "afterleak/loops/leak_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/testing.h"
#include "afterleak/loops/timers.h"

namespace {

using afterleak::Allowance;
using afterleak::HeapCheck;
using afterleak::Inventory;
using afterleak::Leak;
using afterleak::Verdict;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace loops = afterleak::loops;

// A client of a backend whose answer has come when Ask begins: what is left to do is its time-out.
class LoopLeakCheck : public testing::Test {
 protected:
  enum class End { kClosed, kStopped, kForgotten };

  void SetUp() override { ASSERT_EQ(uv_loop_init(&loop_), 0); }
  void TearDown() override {
    for (const auto& timer : timers_) {
      if (!uv_is_closing(Handle(timer.get()))) uv_close(Handle(timer.get()), nullptr);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  void Ask(End end) {
    uv_timer_t* const timer = timers_.emplace_back(std::make_unique<uv_timer_t>()).get();
    uv_timer_init(&loop_, timer);
    uv_timer_start(timer, [](uv_timer_t*) {}, 30'000, 0);
    if (end == End::kStopped) uv_timer_stop(timer);
    if (end == End::kClosed) uv_close(Handle(timer), nullptr);
    uv_run(&loop_, UV_RUN_NOWAIT);
    if (end == End::kClosed) timers_.pop_back();
  }

  // This many at once, and all are closed.
  void Burst(int count) {
    for (int i = 0; i < count; ++i) Ask(End::kForgotten);
    for (const auto& timer : timers_) uv_close(Handle(timer.get()), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    timers_.clear();
  }

  static uv_handle_t* Handle(uv_timer_t* timer) { return reinterpret_cast<uv_handle_t*>(timer); }

  uv_loop_t loop_;
  std::vector<std::unique_ptr<uv_timer_t>> timers_;
};

TEST_F(LoopLeakCheck, FailsOnATimerLeftArmedAndNamesItsLine) {
  const Verdict verdict = loops::CheckLeftBehind([&] { Ask(End::kForgotten); }, {.calls = 3});
  EXPECT_FALSE(verdict);
  EXPECT_EQ(verdict.unfounded, "");
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].leak, Leak::kLeftBehind);
  EXPECT_EQ(verdict.findings[0].count, 3);
  EXPECT_THAT(ToString(verdict),
              AllOf(HasSubstr("left behind: 3 x uv_timer_start"), HasSubstr("leak_check_test.cc"),
                    HasSubstr(" Ask\n"), HasSubstr("cure: stop it with uv_timer_stop")));
}

TEST_F(LoopLeakCheck, FailsOnATimerThatIsStoppedAndNeverClosed) {
  const Verdict verdict = loops::CheckLeftBehind([&] { Ask(End::kStopped); }, {.calls = 3});
  EXPECT_THAT(verdict.findings,
              ElementsAre(AllOf(Field(&afterleak::Finding::count, 3),
                                Field(&afterleak::Finding::evidence, HasSubstr("idle")))));
  EXPECT_THAT(ToString(verdict), HasSubstr("cure: close it with uv_close"));
}

TEST_F(LoopLeakCheck, SaysOnceWhatIsLeftBehindAndGrows) {
  const Verdict verdict = loops::CheckLeftBehind([&] { Ask(End::kForgotten); }, {.calls = 40});
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].leak, Leak::kLeftBehind);
  EXPECT_EQ(verdict.findings[0].count, 40);
}

TEST_F(LoopLeakCheck, IsSilentOnTheFixedSide) {
  const Verdict verdict = loops::CheckLeftBehind([&] { Ask(End::kClosed); }, {.calls = 100});
  EXPECT_TRUE(verdict) << ToString(verdict);
  EXPECT_THAT(verdict.summary, HasSubstr("timers armed"));
}

TEST_F(LoopLeakCheck, IsSilentForAnObjectThatIsUsedAgain) {
  Ask(End::kStopped);
  const auto work = [&] {
    uv_timer_start(timers_[0].get(), [](uv_timer_t*) {}, 30'000, 0);
    uv_timer_stop(timers_[0].get());
  };
  EXPECT_TRUE(loops::LeavesNothingBehind(work, {.calls = 100}));
}

// Its line is another while it is idle.
TEST_F(LoopLeakCheck, IsSilentForAnOldTimerThatTheWorkStops) {
  Ask(End::kForgotten);
  Ask(End::kForgotten);
  const auto stop_both = [&] {
    for (const auto& timer : timers_) uv_timer_stop(timer.get());
  };
  const Inventory before = loops::Alive();
  stop_both();
  EXPECT_TRUE(loops::NothingLeftSince(before));
  Ask(End::kStopped);
  const Verdict verdict = loops::CheckLeftSince(before);
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].count, 1) << "the new one";
}

TEST_F(LoopLeakCheck, FailsOnATimerThatIsNeitherStartedNorClosed) {
  const auto ask = [&] {
    Ask(End::kClosed);
    uv_timer_init(&loop_, timers_.emplace_back(std::make_unique<uv_timer_t>()).get());
  };
  const Verdict verdict = loops::CheckLeftBehind(ask, {.calls = 3});
  EXPECT_THAT(ToString(verdict), HasSubstr("left behind: 3 x uv_timer_init"));
}

TEST_F(LoopLeakCheck, FailsOnPeaksThatRiseWithTheWork) {
  int at_once = 0;
  const Verdict verdict = loops::CheckLeftBehind([&] { Burst(++at_once); }, {.calls = 40});
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].leak, Leak::kGrowing);
  EXPECT_EQ(verdict.findings[0].count, 40);
  EXPECT_THAT(verdict.findings[0].evidence, HasSubstr("12 16 20 24 28 32 36 40"));
  EXPECT_TRUE(loops::CheckLeftBehind([&] { Burst(40); }, {.calls = 40}));
}

TEST_F(LoopLeakCheck, FindsThePeakOfAWindowWhereverItIs) {
  int call = 0;
  const auto work = [&] {
    const bool begins_window = call++ % 4 == 0;
    Burst(call == 1 ? 100 : begins_window ? call : 1);  // the warm-up has the highest
  };
  const Verdict verdict = loops::CheckLeftBehind(work, {.calls = 40});
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_THAT(verdict.findings[0].evidence, HasSubstr("9 13 17 21 25 29 33 37"));
}

TEST_F(LoopLeakCheck, FailsOnHeapBlocksOfEveryCall) {
  if (!afterleak::heap::Counting()) GTEST_SKIP() << "operator new does not count here";
  std::vector<std::unique_ptr<int>> kept;
  kept.reserve(1000);
  timers_.reserve(1000);
  const auto work = [&] {
    Ask(End::kClosed);
    kept.push_back(std::make_unique<int>(1));
  };
  const Verdict verdict = loops::CheckLeftBehind(work, {.calls = 100});
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_THAT(ToString(verdict), AllOf(HasSubstr("70 x heap block"), HasSubstr("1 more for each")));
  EXPECT_TRUE(loops::CheckLeftBehind(work, {.calls = 100, .heap = HeapCheck::kOff}));
  EXPECT_TRUE(loops::CheckLeftBehind([&] { Ask(End::kClosed); },
                                     {.calls = 100, .heap = HeapCheck::kRequired}));
}

TEST_F(LoopLeakCheck, AllowsWhatIsMeantToStay) {
  const loops::WorkOptions options{.allowed = Allowance().At("leak_check_test.cc", 1)};
  EXPECT_TRUE(loops::CheckLeftBehind([&] { Ask(End::kForgotten); }, options));
  EXPECT_FALSE(loops::CheckLeftBehind(
      [&] {
        for (int i = 0; i < 2; ++i) Ask(End::kForgotten);
      },
      options));
}

TEST_F(LoopLeakCheck, FailsIfTheWorkArmedNothing) {
  const Verdict verdict = loops::CheckLeftBehind([] {}, {.calls = 3});
  EXPECT_EQ(verdict.unfounded, "the work armed no timer");
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_TRUE(loops::CheckLeftBehind([] {}, {.may_be_idle = true}));
  EXPECT_FALSE(loops::CheckLeftBehind([&] { Ask(End::kClosed); }, {.calls = 0}));
  EXPECT_NONFATAL_FAILURE(std::ignore = loops::LeavesNothingBehind([] {}), "armed no timer");
}

// The counters are one for the process, so this needs one that has armed nothing.
TEST_F(LoopLeakCheck, FailsUntilATimerWasArmedUnlessThatIsMeant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto check = [&] {
    const Inventory before = loops::Alive();
    EXPECT_EQ(loops::CheckAbandoned().unfounded, "no timer was armed");
    EXPECT_EQ(loops::CheckLeftSince(before).unfounded, "no timer was armed");
    EXPECT_TRUE(loops::CheckAbandoned({.may_be_idle = true}));
    EXPECT_TRUE(loops::CheckLeftSince(before, {.may_be_idle = true}));
    EXPECT_TRUE(loops::CheckLeftBehind([] {}, {.may_be_idle = true}));
    Ask(End::kClosed);
    EXPECT_TRUE(loops::CheckAbandoned());
    EXPECT_TRUE(loops::CheckLeftSince(before));
    std::exit(HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST_F(LoopLeakCheck, NamesTheLibrariesThatAreNotSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto check = [&] {
    loops::internal::NotKnown(loops::Library::kLibuv);
    EXPECT_EQ(loops::CheckLeftBehind([] {}).unfounded,
              "the work armed no timer; this version of libuv is newer than what is known of it "
              "here");
    std::exit(HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST_F(LoopLeakCheck, LetsThroughWhatTheWorkThrows) {
  EXPECT_THROW(loops::CheckLeftBehind([] { throw std::logic_error("no backend"); }),
               std::logic_error);
}

TEST_F(LoopLeakCheck, JudgesWhatCameAfterTheBaseline) {
  Ask(End::kForgotten);
  const Inventory before = loops::Alive();
  Ask(End::kClosed);
  EXPECT_TRUE(loops::NothingLeftSince(before));
  Ask(End::kForgotten);
  EXPECT_FALSE(loops::NothingLeftSince(before));
}

TEST_F(LoopLeakCheck, SeesWhatAnotherThreadLeavesBehind) {
  const auto work = [&] { std::thread([&] { Ask(End::kForgotten); }).join(); };
  EXPECT_EQ(loops::CheckLeftBehind(work, {.calls = 2}).findings.size(), 1u);
}

TEST_F(LoopLeakCheck, NothingOfLibuvIsEverAbandoned) {
  Ask(End::kForgotten);
  const Verdict verdict = loops::CheckAbandoned();
  EXPECT_TRUE(verdict);
  EXPECT_THAT(verdict.summary, HasSubstr("0 were abandoned"));
  EXPECT_TRUE(loops::NothingAbandoned());
}

TEST_F(LoopLeakCheck, TheListenerFailsATestThatLeavesATimerWithTheLine) {
  using namespace std::chrono_literals;
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  loops::NoTimersLeft listener({}, 0ms), allows(Allowance().At("leak_check_test.cc"));
  listener.OnTestStart(info);
  allows.OnTestStart(info);
  Ask(End::kClosed);
  listener.OnTestEnd(info);  // silent
  Ask(End::kForgotten);
  EXPECT_NONFATAL_FAILURE(listener.OnTestEnd(info), "leak_check_test.cc");
  allows.OnTestEnd(info);  // silent
}

TEST_F(LoopLeakCheck, TheListenerWaitsForWhatAnotherThreadIsStillEnding) {
  const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
  loops::NoTimersLeft listener({}, std::chrono::seconds(60));
  listener.OnTestStart(info);
  Ask(End::kForgotten);
  std::thread ends([&] {
    uv_close(Handle(timers_[0].get()), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
  });
  listener.OnTestEnd(info);
  ends.join();
}

}  // namespace
