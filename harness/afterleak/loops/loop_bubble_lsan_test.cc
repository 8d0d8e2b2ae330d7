// LoopBubble in a program that is linked with LeakSanitizer, whose allocator asks for the time
// while virtual time looks up what is behind it, and after a thread has ended.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "afterleak/loops/loop_bubble.h"

extern "C" int __lsan_do_recoverable_leak_check();

namespace afterleak::loops {
namespace {

using namespace std::chrono_literals;

TEST(LoopBubbleUnderLeakSanitizer, RunsThreadsThatAllocate) {
  LoopBubble bubble;
  std::atomic<int> slept = 0;
  for (int i = 0; i < 2; ++i) {
    bubble.Go([&slept] {
      std::vector<std::unique_ptr<char[]>> blocks;
      for (int turn = 0; turn < 60; ++turn) {
        for (int size = 1; size < 1000; ++size) blocks.push_back(std::make_unique<char[]>(size));
        std::this_thread::sleep_for(1min);
        ++slept;
      }
    });
  }
  bubble.AdvanceTo(30min);
  EXPECT_EQ(slept, 60);
  bubble.AdvanceTo(1h);
  EXPECT_EQ(slept, 120);
  bubble.Finish();
  EXPECT_EQ(__lsan_do_recoverable_leak_check(), 0);
}

TEST(LoopBubbleUnderLeakSanitizer, WhatIsLostIsFound) {
  std::uintptr_t hidden = 0;
  {
    LoopBubble bubble;
    bubble.Go([&hidden] {
      std::this_thread::sleep_for(1h);
      hidden = ~reinterpret_cast<std::uintptr_t>(::operator new(7777));
    });
    bubble.AdvanceTo(1h);
    bubble.Finish();
  }
  EXPECT_EQ(__lsan_do_recoverable_leak_check(), 1);
  ::operator delete(reinterpret_cast<void*>(~hidden));
}

}  // namespace
}  // namespace afterleak::loops
