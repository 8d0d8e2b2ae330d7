#include <systemd/sd-event.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <vector>

#include "afterleak/census/symbols.h"
#include "afterleak/loops/ledger.h"
#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"

namespace {

namespace loops = afterleak::loops;

constexpr std::uint64_t kSoon = 1000;
constexpr std::uint64_t kLater = 1'000'000'000;

int Nothing(sd_event_source*, std::uint64_t, void*) { return 0; }

class SdEvent : public afterleak::test::LoopCensus {
 protected:
  SdEvent() { EXPECT_GE(sd_event_new(&event_), 0); }
  ~SdEvent() override { sd_event_unref(event_); }

  sd_event_source* Add(std::uint64_t after, sd_event_time_handler_t callback = &Nothing,
                       void* userdata = nullptr) {
    sd_event_source* source = nullptr;
    EXPECT_GE(
        sd_event_add_time_relative(event_, &source, CLOCK_MONOTONIC, after, 1, callback, userdata),
        0);
    return source;
  }
  void RunUntil(const auto& done) {
    while (!done()) EXPECT_GE(sd_event_run(event_, UINT64_MAX), 0);
  }

  sd_event* event_ = nullptr;
};

TEST_F(SdEvent, ATimerIsLiveThenIdleThenGone) {
  sd_event_source* const source = Add(kSoon);
  EXPECT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 1; });
  EXPECT_EQ(Stopped(), 0) << "though the library turns it off";
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  sd_event_source_unref(source);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(SdEvent, ItIsCalledWithTheProgramsUserdata) {
  int called = 0;
  sd_event_source* const source = Add(
      kSoon,
      [](sd_event_source* fired, std::uint64_t, void* count) {
        EXPECT_EQ(sd_event_source_get_userdata(fired), count);
        ++*static_cast<int*>(count);
        return 0;
      },
      &called);
  RunUntil([&] { return called == 1; });
  int other = 0;
  EXPECT_EQ(sd_event_source_set_userdata(source, &other), &called);
  const sd_event_destroy_t set_to_7 = [](void* count) { *static_cast<int*>(count) = 7; };
  EXPECT_EQ(sd_event_source_set_destroy_callback(source, set_to_7), 0);
  sd_event_destroy_t destroy = nullptr;
  EXPECT_EQ(sd_event_source_get_destroy_callback(source, &destroy), 1);
  EXPECT_EQ(destroy, set_to_7);
  sd_event_source_unref(source);
  EXPECT_EQ(other, 7);
}

TEST_F(SdEvent, OneThatIsTurnedOffIsIdle) {
  sd_event_source* const source = Add(kLater);
  sd_event_source_set_enabled(source, SD_EVENT_OFF);
  sd_event_source_set_enabled(source, SD_EVENT_OFF);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 1);
  sd_event_source_set_time_relative(source, kLater);
  EXPECT_EQ(Live(), 0) << "it is off";
  sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
  sd_event_source_set_enabled(source, SD_EVENT_ON);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Armed(), 2);
  sd_event_source_disable_unref(source);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Idle(), 0);
}

TEST_F(SdEvent, ATimeThatIsMovedIsArmedAgain) {
  sd_event_source* const source = Add(kLater);
  sd_event_source_set_time_relative(source, kLater);
  sd_event_source_set_time(source, UINT64_MAX);
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Stopped(), 2);
  sd_event_source_unref(source);
  EXPECT_EQ(Stopped(), 3) << "freed while it was live";
}

TEST_F(SdEvent, OneThatStaysOnTicks) {
  static int calls;
  calls = 0;
  sd_event_source* const source =
      Add(kSoon, [](sd_event_source* fired, std::uint64_t, void*) -> int {
        return ++calls < 5 ? 0 : sd_event_source_set_enabled(fired, SD_EVENT_OFF);
      });
  sd_event_source_set_enabled(source, SD_EVENT_ON);
  RunUntil([&] { return Live() == 0; });
  EXPECT_EQ(Ticks(), 5);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Armed(), 1);
  sd_event_source_unref(source);
}

TEST_F(SdEvent, OneWhoseCallbackFailsIsTurnedOff) {
  sd_event_source* const source =
      Add(kSoon, [](sd_event_source*, std::uint64_t, void*) { return -EIO; });
  sd_event_source_set_enabled(source, SD_EVENT_ON);
  RunUntil([&] { return Ticks() == 1; });
  int enabled = SD_EVENT_ON;
  EXPECT_GE(sd_event_source_get_enabled(source, &enabled), 0);
  EXPECT_EQ(enabled, SD_EVENT_OFF);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Stopped(), 1);
  sd_event_source_unref(source);
}

TEST_F(SdEvent, ACallbackMayArmItAgainAndFreeIt) {
  static int calls;
  calls = 0;
  Add(kSoon, [](sd_event_source* fired, std::uint64_t, void*) -> int {
    if (++calls == 3) return sd_event_source_unref(fired), 0;
    sd_event_source_set_time_relative(fired, kSoon);
    return sd_event_source_set_enabled(fired, SD_EVENT_ONESHOT);
  });
  RunUntil([&] { return calls == 3; });
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Fired(), 3);
}

// Where a function ends with a call, an optimizing compiler makes a jump of it: what is called then
// returns to libsystemd. Here also where the tests are not optimized.
#ifdef __clang__
#define ENDS_WITH_A_JUMP
#else
#define ENDS_WITH_A_JUMP [[gnu::optimize("O2")]]
#endif
sd_event_source* ended_with;
ENDS_WITH_A_JUMP int AddInCallback(sd_event_source*, void* event) {
  return sd_event_add_time_relative(static_cast<sd_event*>(event), &ended_with, CLOCK_MONOTONIC,
                                    kLater, 1, &Nothing, nullptr);
}
ENDS_WITH_A_JUMP int MoveInCallback(sd_event_source*, void*) {
  return sd_event_source_set_time_relative(ended_with, kLater);
}
ENDS_WITH_A_JUMP int TurnOffInCallback(sd_event_source*, void*) {
  return sd_event_source_set_enabled(ended_with, SD_EVENT_OFF);
}
ENDS_WITH_A_JUMP int TurnOnInCallback(sd_event_source*, void*) {
  return sd_event_source_set_enabled(ended_with, SD_EVENT_ONESHOT);
}

TEST_F(SdEvent, WhatACallbackEndsWithIsTheProgramsOwn) {
  const auto call_back = [&](sd_event_handler_t callback) {
    sd_event_source* deferred = nullptr;
    EXPECT_GE(sd_event_add_defer(event_, &deferred, callback, event_), 0);
    EXPECT_GE(sd_event_run(event_, UINT64_MAX), 0);
    sd_event_source_unref(deferred);
  };
  call_back(AddInCallback);
  EXPECT_EQ(Armed(), 1);
  call_back(MoveInCallback);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  call_back(TurnOffInCallback);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Idle(), 1);
  call_back(TurnOnInCallback);
  EXPECT_EQ(Armed(), 3);
  EXPECT_EQ(Live(), 1);
  sd_event_source_unref(ended_with);
}

// The innermost frame of what has armed the only one that is live.
std::uintptr_t FrameOfLive() {
  auto& ledger = loops::internal::Ledger::Get();
  for (const auto& at : ledger.census().Count(loops::internal::LedgerNow()).sites) {
    if (at.kind->resource == afterleak::Resource::kTimer && at.counted.live == 1)
      return at.site.call_stack()->frames.front();
  }
  return 0;
}
bool IsIn(std::uintptr_t frame, auto* function) {
  return frame - reinterpret_cast<std::uintptr_t>(function) < 512;
}
ENDS_WITH_A_JUMP int TurnOnWhenItFires(sd_event_source*, std::uint64_t, void*) {
  return sd_event_source_set_enabled(ended_with, SD_EVENT_ONESHOT);
}
ENDS_WITH_A_JUMP int TurnOnAfterAnotherLoop(sd_event_source*, std::uint64_t, void* other) {
  sd_event_run(static_cast<sd_event*>(other), UINT64_MAX);
  return sd_event_source_set_enabled(ended_with, SD_EVENT_ONESHOT);
}
[[gnu::noinline]] int TurnOnAndLook(sd_event_source*, std::uint64_t, void*) {
  const int error = sd_event_source_set_enabled(ended_with, SD_EVENT_ONESHOT);
  const std::uintptr_t frame = FrameOfLive();
  EXPECT_TRUE(IsIn(frame, TurnOnAndLook));
  const auto begin = reinterpret_cast<std::uintptr_t>(&TurnOnAndLook);
  EXPECT_NE(frame, afterleak::internal::BeginningOf(begin)) << "it has not jumped";
  return error;
}

TEST_F(SdEvent, WhatArmedIsTheInnermostFrame) {
  ended_with = Add(kLater);
  const auto frame_after = [&](sd_event_source* source) {
    sd_event_source_set_enabled(ended_with, SD_EVENT_OFF);
    EXPECT_GE(sd_event_run(event_, UINT64_MAX), 0);
    sd_event_source_unref(source);
    return FrameOfLive();
  };
  EXPECT_TRUE(IsIn(frame_after(Add(0, TurnOnWhenItFires)), TurnOnWhenItFires)) << "or it jumped";
  EXPECT_TRUE(IsIn(frame_after(Add(0, TurnOnAndLook)), TurnOnAndLook));

  sd_event* other = nullptr;
  ASSERT_GE(sd_event_new(&other), 0);
  EXPECT_GE(sd_event_add_time_relative(other, nullptr, CLOCK_MONOTONIC, 0, 1, &Nothing, nullptr),
            0);
  sd_event_source* const runs_another = Add(0, TurnOnAfterAnotherLoop, other);
  EXPECT_TRUE(IsIn(frame_after(runs_another), TurnOnAfterAnotherLoop));
  sd_event_unref(other);

  sd_event_source* deferred = nullptr;
  EXPECT_GE(sd_event_add_defer(event_, &deferred, TurnOnInCallback, nullptr), 0);
  const std::uintptr_t frame = frame_after(deferred);
  EXPECT_TRUE(frame == afterleak::internal::kSomeFunction || IsIn(frame, TurnOnInCallback))
      << "if it jumped, it is not known which callback did";
  sd_event_source_unref(ended_with);
}

TEST_F(SdEvent, ReferencesAreTheLibrarys) {
  sd_event_source* const source = Add(kLater);
  sd_event_source_ref(source);
  sd_event_source_unref(source);
  EXPECT_EQ(Live(), 1);
  sd_event_source_unref(source);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(SdEvent, ALoopThatIsFreedStopsItsFloatingSources) {
  EXPECT_GE(
      sd_event_add_time_relative(event_, nullptr, CLOCK_MONOTONIC, kLater, 1, &Nothing, nullptr),
      0);
  EXPECT_GE(sd_event_add_time(event_, nullptr, CLOCK_MONOTONIC, UINT64_MAX, 1, &Nothing, nullptr),
            0);
  EXPECT_EQ(Live(), 2);
  event_ = sd_event_unref(event_);
  EXPECT_EQ(Stopped(), 2);
}

TEST_F(SdEvent, ACallbackMayGiveBackItsLoop) {
  const auto give_back = [](sd_event_source*, std::uint64_t, void* event) {
    auto& given = *static_cast<sd_event**>(event);
    given = sd_event_unref(given);
    return 0;
  };
  for (const std::uint64_t after : {kSoon, kLater}) {
    EXPECT_GE(
        sd_event_add_time_relative(event_, nullptr, CLOCK_MONOTONIC, after, 1, give_back, &event_),
        0);
  }
  while (event_ != nullptr) sd_event_run(event_, UINT64_MAX);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1) << "which was pending";
}

TEST_F(SdEvent, WithoutACallbackItEndsTheLoop) {
  sd_event_source* const source = Add(kSoon, nullptr, reinterpret_cast<void*>(23));
  sd_event_source* const other = Add(kLater);
  EXPECT_EQ(sd_event_loop(event_), 23);
  EXPECT_EQ(Fired(), 1);
  sd_event_source_unref(source);
  EXPECT_EQ(sd_event_source_set_time(other, UINT64_MAX), -ESTALE);
  EXPECT_EQ(sd_event_source_set_time_relative(other, kLater), -ESTALE);
  EXPECT_EQ(Armed(), 2) << "and not armed again, as it is over";
  sd_event_source_unref(other);
}

TEST_F(SdEvent, WhatItRefusesIsNotArmed) {
  sd_event_source* source = nullptr;
  EXPECT_EQ(sd_event_add_time(event_, &source, 12345, 1, 1, &Nothing, nullptr), -EOPNOTSUPP);
  EXPECT_EQ(Armed(), 0);
}

TEST_F(SdEvent, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 3000;
  std::vector<sd_event_source*> sources;
  for (int i = 0; i < kTimers; ++i) sources.push_back(Add(i % 2 == 0 ? kSoon : kLater));
  RunUntil([&] { return Fired() == kTimers / 2; });
  EXPECT_EQ(Live(), kTimers / 2);
  EXPECT_EQ(Idle(), kTimers / 2);
  for (sd_event_source* const source : sources) sd_event_source_unref(source);
  EXPECT_EQ(Stopped(), kTimers / 2);
}

[[gnu::noinline]] sd_event_source* ArmSomething(sd_event* event) {
  sd_event_source* source = nullptr;
  sd_event_add_time(event, &source, CLOCK_MONOTONIC, UINT64_MAX, 1, &Nothing, nullptr);
  return source;
}
constexpr int kLine = __LINE__ - 3;

TEST_F(SdEvent, TheSiteIsTheLineThatArmed) {
  sd_event_source* const source = ArmSomething(event_);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "sd_event_add_time"));
  EXPECT_TRUE(IsIn(FrameOfLive(), &ArmSomething));
  sd_event_source_unref(source);
}

TEST_F(SdEvent, IsWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kSdEvent));
}

}  // namespace
