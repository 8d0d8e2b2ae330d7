#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <ctime>

#include "afterleak/loops/loops.h"
#include "tests/support/loops/sd_event.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(SdEvent, VirtualLoop, SdEvent);

// Told as a time of its clock.
TEST(SdEventTimeout, IsWhatIsLeftUntilThen) {
  using namespace std::chrono_literals;
  LoopBubble bubble;
  bubble.AdvanceTo(987'654us);
  sd_event* event = nullptr;
  ASSERT_GE(sd_event_new(&event), 0);
  const auto timeout_until_1000s_after = [&](clockid_t clock, std::uint64_t seconds) {
    timespec now;
    clock_gettime(clock, &now);
    const std::uint64_t then = (static_cast<std::uint64_t>(now.tv_sec) + seconds) * 1'000'000 +
                               static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    sd_event_source* source = nullptr;
    EXPECT_GE(sd_event_add_time(event, &source, clock, then, 1, nullptr, nullptr), 0);
    const int line = __LINE__ - 1;
    Duration left{};
    for (const SiteReport& site : Report().sites) {
      if (site.line == line && site.live == 1) left = site.longest_left;
    }
    sd_event_source_unref(source);
    return left;
  };
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    EXPECT_EQ(timeout_until_1000s_after(clock, 1000), 1000s);
    EXPECT_EQ(timeout_until_1000s_after(clock, 0), 0s);
  }
  sd_event_unref(event);
}

}  // namespace
}  // namespace afterleak::loops
