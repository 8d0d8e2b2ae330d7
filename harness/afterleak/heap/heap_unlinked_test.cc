// To be linked WITHOUT heap_operators.cc: shows that nothing is counted then, and nothing breaks.
#include <gtest/gtest.h>

#include "afterleak/bubble/leak_check.h"
#include "afterleak/heap/heap.h"

namespace afterleak::heap {
namespace {

TEST(HeapUnlinked, CountsNothingAndSaysSo) {
  Scope outer;
  Scope scope;
  Adopt adopt(CurrentScope());
  void* block = ::operator new(100);
  EXPECT_FALSE(Counting());
  EXPECT_EQ(scope.usage(), Usage{});
  EXPECT_EQ(outer.usage(), Usage{});
  EXPECT_EQ(Process(), Usage{});
  ::operator delete(block);
}

TEST(HeapUnlinked, FailsACheckThatRequiresTheCountAndNoOther) {
  Bubble bubble;
  const auto check = [&](HeapCheck heap) {
    return CheckLeftBehind(bubble, [] {}, {.may_be_idle = true, .calls = 100, .heap = heap});
  };
  EXPECT_EQ(check(HeapCheck::kRequired).unfounded,
            "the heap is not counted: link afterleak::heap_operators");
  EXPECT_TRUE(check(HeapCheck::kIfCounted));
  EXPECT_TRUE(check(HeapCheck::kOff));
}

}  // namespace
}  // namespace afterleak::heap
