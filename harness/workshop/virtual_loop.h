// A loop of libuv in virtual time, for the test that a learner writes.
//
//   VirtualLoop loop;
//   const auto client = NewClient(loop.get(), backend, 30s);
//   client->Call("tea", done);
//   loop.RunFor(1s);                       // what is due by then happens, in no time
//
// The timers are in the census of the process: afterleak/loops/testing.h asks it. This arms none.
#pragma once

#include <uv.h>

#include "afterleak/census/clock.h"
#include "afterleak/loops/loop_bubble.h"

namespace workshop {

// One at a time, and for one thread.
class VirtualLoop {
 public:
  VirtualLoop();
  // Leaves a loop that still has a handle as it is.
  ~VirtualLoop();
  VirtualLoop(const VirtualLoop&) = delete;
  VirtualLoop& operator=(const VirtualLoop&) = delete;

  uv_loop_t* get() const { return loop_; }

  void RunFor(afterleak::Duration span);

 private:
  afterleak::loops::LoopBubble bubble_;
  uv_loop_t* const loop_;
  uv_async_t stop_{};
};

}  // namespace workshop
