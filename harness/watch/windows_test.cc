#include "watch/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <source_location>
#include <vector>

namespace afterleak::watch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr TimerKind kOnce{.name = "test::Once", .rooted = true};

// A ledger of which each window has more alive at once than the one before it.
class Growing {
 public:
  void Window(std::source_location site = std::source_location::current()) {
    census_.Arm(kOnce, site, 0, Time(), Time(60s));
    windows.Add(Count());
    census_.NextWindow();
  }
  CensusCount Count() const { return census_.Count(Time(1s * windows.count())); }

  Windows windows{100ms};

 private:
  Census census_;
};

std::vector<std::int64_t> PeaksOf(const std::vector<CensusReport>& windows) {
  std::vector<std::int64_t> peaks;
  for (const CensusReport& window : windows)
    peaks.push_back(window.sites.empty() ? 0 : window.sites[0].window_peak_live);
  return peaks;
}

TEST(Windows, HaveTheExactPeaksWithoutTheWarmUp) {
  Growing growing;
  for (int i = 0; i < 10; ++i) growing.Window();
  EXPECT_THAT(PeaksOf(growing.windows.Named(growing.Count(), Resource::kTimer)),
              ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(growing.windows.Named(growing.Count(), Resource::kIdle)[0].sites, IsEmpty());
}

TEST(Windows, BecomeTwiceAsLongWhenThereAreMany) {
  Growing growing;
  const auto window = [&growing] { growing.Window(); };
  for (std::size_t i = 1; i < Windows::kMost; ++i) window();
  EXPECT_EQ(growing.windows.length(), 100ms);
  window();
  EXPECT_EQ(growing.windows.length(), 200ms);
  EXPECT_EQ(growing.windows.count(), Windows::kMost / 2);
  EXPECT_THAT(PeaksOf(growing.windows.Named(growing.Count(), Resource::kTimer)),
              ElementsAre(8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32));
  EXPECT_THAT(growing.windows.Samples(), SizeIs(Windows::kMost / 2));
  EXPECT_EQ(growing.windows.Samples().back().live, 32);
}

TEST(Windows, OfASiteThatCameLateBeginWithNothing) {
  Growing growing;
  for (int i = 0; i < 5; ++i) growing.Window();
  growing.Window(std::source_location::current());
  const auto named = growing.windows.Named(growing.Count(), Resource::kTimer);
  ASSERT_THAT(named, SizeIs(5));
  EXPECT_THAT(named[3].sites, SizeIs(2));
  EXPECT_EQ(named[3].sites[0].window_peak_live + named[3].sites[1].window_peak_live, 5);
}

}  // namespace
}  // namespace afterleak::watch
