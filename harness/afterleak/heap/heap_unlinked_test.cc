// To be linked WITHOUT heap_operators.cc: shows that nothing is counted then, and nothing breaks.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace afterleak::heap
