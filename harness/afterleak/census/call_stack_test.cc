#include "afterleak/census/call_stack.h"

#include <alloca.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "afterleak/census/keeper.h"

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

// Functions of several sizes that arm and call themselves, each from a line that no other has.
template <int N>
[[gnu::noinline]] const CallStack& Line(int deep) {
  volatile char room[16 + N % 8 * 64];
  room[0] = N;
  const CallStack& stack = deep == 0 ? FromItsCaller() : Line<N>(deep - 1);
  asm volatile("" : : "r"(room), "i"(N) : "memory");
  return stack;
}

template <std::size_t... N>
auto Lines(std::index_sequence<N...>) {
  return std::array{&Line<static_cast<int>(N)>...};
}

// Many more than are remembered at a time. Where they call themselves, two stacks have nothing in
// common: what called them first is too deep to be in there.
TEST(CallStack, NoTwoLinesHaveTheSame) {
  const std::uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const auto lines = Lines(std::make_index_sequence<64>());
  using Path = std::pair<std::size_t, int>;
  std::map<const CallStack*, Path> path_of;
  std::map<Path, const CallStack*> stack_of;
  for (int i = 0; i < 20'000; ++i) {
    const Path path(random() % lines.size(), random() % 2 == 0 ? 0 : 2 * kMostFrames);
    for (int again = 0; again < 3; ++again) {
      const CallStack* const stack = &lines[path.first](path.second);
      ASSERT_EQ(path_of.emplace(stack, path).first->second, path);
      ASSERT_EQ(stack_of.emplace(path, stack).first->second, stack);
    }
  }
}

int notes = 0;

TEST(CallStack, ItsKeeperIsToldOfEachOnce) {
  static std::uintptr_t unknown = 1;  // also where the test is repeated
  const std::array<std::uintptr_t, 2> frames{1, ++unknown}, others{2, ++unknown};
  Keeper noting = kOwnPages;
  noting.note_code = [] { ++notes; };
  notes = 0;
  keeper = &noting;
  const CallStack& first = KeepCallStack(frames);
  EXPECT_EQ(notes, 1);
  const CallStack& again = KeepCallStack(frames);
  EXPECT_EQ(notes, 1);
  const CallStack& other = KeepCallStack(others);
  EXPECT_EQ(notes, 2);
  keeper = &kOwnPages;
  EXPECT_EQ(&first, &again);
  EXPECT_NE(&first, &other);
}

// The exit code of a process in which nothing was kept before: 0 if all is well.
int KeepTheFirstStacks() {
  const CallStack& first = KeepCallStack(std::array<std::uintptr_t, 1>{1});
  const CallStack& second = KeepCallStack(std::array<std::uintptr_t, 1>{2});
  if (&KeepCallStack(std::array<std::uintptr_t, 1>{1}) != &first) return 1;
  if (first.id != 1 || second.id != 2) return 2;
  return 0;
}

TEST(CallStackDeathTest, TheFirstOfAProcessIsKeptOnceAndNumberOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process that begins from the start
  EXPECT_EXIT(std::_Exit(KeepTheFirstStacks()), testing::ExitedWithCode(0), "");
}

// False if the child found no order in the table, or waited for it until a signal ended it.
bool AChildKeepsStacks(std::uintptr_t known) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const std::array<std::uintptr_t, 1> frames{known};
    std::_Exit(&KeepCallStack(frames) == &KeepCallStack(frames) ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(CallStack, AChildOfForkKeepsThemWhateverOtherThreadsWereAt) {
  EXPECT_TRUE(AChildKeepsStacks(11)) << "no other thread";
  // A child of fork that comes in the middle of the very first one has no table, and waits for it.
  KeepCallStack(std::array<std::uintptr_t, 1>{12});
  std::atomic<bool> done = false;
  std::thread other([&] {
    std::array<std::uintptr_t, kMostFrames> frames{};
    while (!done) KeepCallStack(frames);
  });
  for (int i = 0; i < 50 && !testing::Test::HasFailure(); ++i) EXPECT_TRUE(AChildKeepsStacks(12));
  done = true;
  other.join();
}

}  // namespace
}  // namespace afterleak::internal
