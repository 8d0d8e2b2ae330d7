// A Qt that is newer than this library: that its timers are not seen is said, and no number is.
#include <algorithm>
#include <vector>

#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"

namespace {

namespace loops = afterleak::loops;

TEST(UnknownQt, IsSaid) {
  const std::vector<loops::Watch> watched = loops::Watched();
  const auto qt = std::ranges::find(watched, loops::Library::kQt, &loops::Watch::library);
  ASSERT_NE(qt, watched.end());
  EXPECT_EQ(qt->blind, "this version of Qt is newer than what is known of it here");
}

}  // namespace
