#include "afterleak/census/call_stack.h"

#include <alloca.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>

namespace afterleak::internal {
namespace {

// Functions that call each other at random, and keep a stack themselves: a letter for each call.
struct Walk {
  std::mt19937 random;
  std::string path{};
  std::map<const CallStack*, std::string> path_of{};
  int captures = 0;

  void Check(const CallStack& stack) {
    ++captures;
    const auto [known, is_new] = path_of.emplace(&stack, path);
    if (!is_new && known->second != path)
      ADD_FAILURE() << path << " and " << known->second << " have one stack";
  }
};

void Step(Walk& walk);

// Leaves copies of return addresses where a later call may have its frame.
[[gnu::noinline]] void Litter() {
  const CallStack& stack = CaptureCallStack();
  volatile std::uintptr_t copies[64];
  for (std::size_t i = 0; i < 64; ++i) copies[i] = stack.frames[i % stack.frames.size()];
  asm volatile("" : : "r"(copies) : "memory");
}

[[gnu::noinline]] void Arm(Walk& walk) {
  walk.Check(CaptureCallStack(__builtin_return_address(0)));
}

[[gnu::noinline]] void A(Walk& walk) {
  walk.path += 'a';
  Step(walk);
  walk.path.pop_back();
}
[[gnu::noinline]] void B(Walk& walk) {
  walk.path += 'b';
  Step(walk);
  walk.path.pop_back();
}
// Its frame has one of two sizes.
[[gnu::noinline]] void C(Walk& walk) {
  auto* const room = static_cast<volatile char*>(alloca(walk.random() % 2 == 0 ? 16 : 64));
  room[0] = 1;
  walk.path += 'c';
  Step(walk);
  walk.path.pop_back();
}

[[gnu::noinline]] void Step(Walk& walk) {
  if (walk.random() % 4 == 0) Litter();
  if (walk.path.size() < 5 && walk.random() % 3 != 0) {
    switch (walk.random() % 3) {
      case 0:
        A(walk);
        break;
      case 1:
        B(walk);
        break;
      default:
        C(walk);
    }
  } else {
    for (int i = 0; i < 3; ++i) {  // what comes again is remembered
      Arm(walk);
      asm volatile("");
    }
  }
}

void WalkAtRandom(std::uint32_t seed) {
  Walk walk{.random = std::mt19937(seed)};
  for (int i = 0; i < 20'000; ++i) Step(walk);
  EXPECT_GT(walk.captures, 20'000);
  EXPECT_GT(walk.path_of.size(), 100u);
}

TEST(CallStack, NoTwoPathsHaveTheSame) {
  const std::uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  WalkAtRandom(seed);
}

TEST(CallStack, AlsoInSeveralThreads) {
  const std::uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::thread other([seed] { WalkAtRandom(seed + 1); });
  WalkAtRandom(seed);
  other.join();
}

[[gnu::noinline]] const CallStack& FromItsCaller() {
  return CaptureCallStack(__builtin_return_address(0));
}

TEST(CallStack, BeginsWhereItsFunctionWasCalled) {
  const CallStack& whole = CaptureCallStack();
  const CallStack& from_here = FromItsCaller();
  ASSERT_LT(from_here.frames.size(), whole.frames.size()) << "the whole one begins within us";
  const auto ours = whole.frames.last(from_here.frames.size());
  EXPECT_NE(from_here.frames.front(), ours.front()) << "two lines of this function";
  EXPECT_TRUE(std::ranges::equal(from_here.frames.subspan(1), ours.subspan(1)));
}

}  // namespace
}  // namespace afterleak::internal
