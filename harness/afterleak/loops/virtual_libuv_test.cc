#include <gtest/gtest.h>

#include <deque>

#include "afterleak/loops/loop_bubble.h"
#include "tests/support/loops/libuv.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Libuv, VirtualLoop, Libuv);

// The pool's threads wait for work, and the loop for theirs: a deadline of 1 s is far away.
TEST(LibuvPool, WorkTakesNoTime) {
  struct Job {
    uv_work_t work;
    int done = 0;
  };
  LoopBubble bubble;
  Libuv loop;
  std::deque<Job> jobs;
  int late = 0;
  loop.Every(std::chrono::milliseconds(100), [&] {
    loop.Cancel();
    loop.After(std::chrono::milliseconds(50), [&] { late += 1 - jobs.back().done; });
    Job& job = jobs.emplace_back();
    job.work.data = &job;
    uv_queue_work(
        loop.loop(), &job.work, [](uv_work_t*) {},
        [](uv_work_t* work, int) { static_cast<Job*>(work->data)->done = 1; });
  });
  Start(bubble, loop);
  bubble.AdvanceTo(std::chrono::seconds(60));
  EXPECT_EQ(jobs.size(), 600u);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(jobs.back().done, 1);
  bubble.Finish();
}

}  // namespace
}  // namespace afterleak::loops
