#include "afterleak/go/once.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Once, DoesItOnceWhateverItIsGiven) {
  sync::Once once;
  int first = 0, second = 0;
  for (int i = 0; i < 3; ++i) once.Do([&] { ++first; });
  once.Do([&] { ++second; });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
}

TEST(Once, OthersWaitUntilItIsDone) {
  InBubble([] {
    sync::Once once;
    const Time start = time::Now();
    int returned = 0;
    for (int i = 0; i < 3; ++i) {
      Go([&] {
        once.Do([] { time::Sleep(1h); });
        EXPECT_EQ(time::Since(start), 1h);
        ++returned;
      });
    }
    time::Sleep(2h);
    EXPECT_EQ(returned, 3);
  });
}

TEST(Once, AnActionThatThrowsCountsAsDone) {
  sync::Once once;
  EXPECT_EQ(PanicOf([&] { once.Do([] { throw Panic("boom"); }); }), "boom");
  once.Do([] { FAIL() << "a second time"; });
}

TEST(Once, AnActionThatDoesTheSameOnceWaitsForItself) {
  EXPECT_THAT(PanicOf([] {
                InBubble([] {
                  sync::Once once;
                  once.Do([&] { once.Do([] {}); });
                });
              }),
              HasSubstr("[sync.Mutex.Lock]"));
}

TEST(OnceStress, ThreadsSeeWhatItDid) {
  for (int round = 0; round < 100; ++round) {
    sync::Once once;
    int value = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        once.Do([&] { ++value; });
        EXPECT_EQ(value, 1);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(OnceFunc, CallsItsFunctionOnceAndThenDropsIt) {
  int calls = 0;
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> weak = held;
  const auto once = sync::OnceFunc([&calls, held = std::move(held)] { ++calls; });
  const auto copy = once;
  EXPECT_FALSE(weak.expired());
  once();
  copy();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(weak.expired());
}

TEST(OnceFunc, WhatItsFunctionThrewEveryCallThrows) {
  int calls = 0;
  const auto once = sync::OnceFunc([&] {
    ++calls;
    throw std::runtime_error("boom");
  });
  EXPECT_THROW(once(), std::runtime_error);
  EXPECT_THROW(once(), std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST(OnceFunc, AfterABubbleThatEndedMeanwhileItPanics) {
  const auto once = sync::OnceFunc([] { time::Sleep(1h); });
  {
    Bubble bubble;
    bubble.Go(once);
    bubble.Advance(1s);
  }
  EXPECT_EQ(PanicOf(once), "sync: OnceFunc: its bubble has ended");
}

TEST(OnceValue, ReturnsTheSameValueEveryTime) {
  int calls = 0;
  const auto value =
      sync::OnceValue([&] { return std::string("value ") + std::to_string(++calls); });
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(value(), "value 1");
  EXPECT_EQ(value(), "value 1");
}

}  // namespace
}  // namespace afterleak
