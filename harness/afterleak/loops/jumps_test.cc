// Functions that end with a call, of which the compiler makes a jump: they are on no stack. This
// file is compiled with optimization and debug information in every build.
#include <uv.h>

#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"

namespace {

using afterleak::test::HasLiveAt;

constexpr int kStarts = __LINE__ + 2;
[[gnu::noinline]] void StartAgain(uv_timer_t* timer) {
  uv_timer_start(timer, [](uv_timer_t*) {}, 1'000'000, 0);
}
[[gnu::noinline]] void Keep(uv_timer_t* timer) { StartAgain(timer); }

// Which of its two jumps was taken, nobody knows.
[[gnu::noinline]] void StartOneOf(uv_timer_t* timer, bool keep) {
  if (keep)
    Keep(timer);
  else
    StartAgain(timer);
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

}  // namespace
