// Functions that end with a call, of which the compiler makes a jump: they are on no stack. This
// file is compiled with optimization and debug information in every build.
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <cstdint>
#include <utility>

#include "afterleak/census/symbols.h"
#include "afterleak/loops/ledger.h"
#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"

namespace {

using afterleak::test::HasLiveAt;

constexpr int kStarts = __LINE__ + 2;
[[gnu::noinline]] void StartAgain(uv_timer_t* timer) {
  uv_timer_start(timer, [](uv_timer_t*) {}, 1'000'000, 0);
}
[[gnu::noinline]] void Keep(uv_timer_t* timer) { StartAgain(timer); }

constexpr int kStartsLater = __LINE__ + 2;
[[gnu::noinline]] void StartLater(uv_timer_t* timer) {
  uv_timer_start(timer, [](uv_timer_t*) {}, 2'000'000, 0);
}

// Which of its two jumps was taken, nobody knows.
[[gnu::noinline]] void StartOneOf(uv_timer_t* timer, bool keep) {
  if (keep)
    Keep(timer);
  else
    StartLater(timer);
}

// Only one of its two jumps leads to a start.
[[gnu::noinline]] void StopOrKeep(uv_timer_t* timer, bool keep) {
  if (keep)
    Keep(timer);
  else
    uv_timer_stop(timer);
}

// It runs another loop first, whose timer has another callback.
constexpr int kStartsAfterAnother = __LINE__ + 4;
void RunAnotherAndStart(uv_timer_t* timer) {
  auto* const another = static_cast<uv_timer_t*>(timer->data);
  uv_run(another->loop, UV_RUN_DEFAULT);
  uv_timer_start(timer, [](uv_timer_t*) {}, 3'000'000, 0);
}

// Nothing else here ends with that call.
constexpr itimerspec kLimit = {.it_interval = {}, .it_value = {.tv_sec = 1000, .tv_nsec = 0}};
constexpr int kSets = __LINE__ + 2;
[[gnu::noinline]] int Set(int descriptor) {
  return timerfd_settime(descriptor, 0, &kLimit, nullptr);
}

class Jumps : public afterleak::test::LoopCensus {
 protected:
  Jumps() {
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &timer_);
  }
  ~Jumps() override { uv_loop_close(&loop_); }
  void TearDown() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    LoopCensus::TearDown();
  }

  uv_loop_t loop_;
  uv_timer_t timer_;
};

TEST_F(Jumps, TheSiteIsTheLineThatArmed) {
  Keep(&timer_);
  EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(kStarts, "uv_timer_start"));
}

TEST_F(Jumps, TheSiteIsTheLineThatCalledWhereThereAreTwoWays) {
  const int line = __LINE__ + 1;
  StartOneOf(&timer_, uv_now(&loop_) != 0);
  EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(line, "uv_timer_start"));
}

TEST_F(Jumps, TheSiteIsTheLineThatArmedWhereTheOtherWayDoesNotArm) {
  StopOrKeep(&timer_, true);
  EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(kStarts, "uv_timer_start"));
}

TEST_F(Jumps, TheSiteIsTheLineInTheCallbackOfATimer) {
  for (const auto& [callback, line] :
       {std::pair(&StartAgain, kStarts), std::pair(&StartLater, kStartsLater)}) {
    uv_timer_start(&timer_, callback, 0, 0);
    uv_run(&loop_, UV_RUN_NOWAIT);
    EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(line, "uv_timer_start"));
  }
}

TEST_F(Jumps, TheSiteIsTheLineInTheCallbackThatHasRunAnotherLoop) {
  uv_loop_t loop;
  uv_timer_t another;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &another);
  uv_timer_start(
      &another, [](uv_timer_t* fired) { uv_close(reinterpret_cast<uv_handle_t*>(fired), nullptr); },
      0, 0);
  timer_.data = &another;
  uv_timer_start(&timer_, &RunAnotherAndStart, 0, 0);
  uv_run(&loop_, UV_RUN_NOWAIT);
  EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(kStartsAfterAnother, "uv_timer_start"));
  uv_loop_close(&loop);
}

uv_timer_t made;
void MakeOne(uv_timer_t* timer) {
  uv_timer_init(timer->loop, &made);
  made.data = nullptr;  // so this is no jump
}

TEST_F(Jumps, ACallbackThatDoesNotJumpIsOnTheStackOnce) {
  uv_timer_start(&timer_, &MakeOne, 0, 0);
  uv_run(&loop_, UV_RUN_NOWAIT);
  auto& ledger = afterleak::loops::internal::Ledger::Get();
  const auto key = reinterpret_cast<std::uintptr_t>(&made);
  auto* const object = ledger.objects(afterleak::loops::Library::kLibuv).Find(key);
  ASSERT_NE(object, nullptr);
  const auto begin = reinterpret_cast<std::uintptr_t>(&MakeOne);
  const std::uintptr_t frame = ledger.BornAt(*object).frames.front();
  EXPECT_GT(frame, afterleak::internal::BeginningOf(begin));
  EXPECT_LT(frame, begin + 512);
  uv_close(reinterpret_cast<uv_handle_t*>(&made), nullptr);
}

TEST_F(Jumps, TheSiteIsTheOnlyLineThatEndsWithTheCallWhereAPointerWasCalled) {
  const int descriptor = timerfd_create(CLOCK_MONOTONIC, 0);
  int (*volatile set)(int) = &Set;
  EXPECT_EQ(set(descriptor), 0);
  EXPECT_THAT(afterleak::loops::Report(), HasLiveAt(kSets, "timerfd_settime"));
  close(descriptor);
}

}  // namespace
