#include "afterleak/heap/counting_resource.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

namespace afterleak::heap {
namespace {

TEST(CountingResource, CountsTheBytesAskedFor) {
  CountingResource resource;
  void* one = resource.allocate(10);
  void* two = resource.allocate(30, 64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(two) % 64, 0u);
  EXPECT_EQ(resource.usage(), (Usage{2, 40, 40, 2, 40}));
  resource.deallocate(one, 10);
  EXPECT_EQ(resource.usage(), (Usage{1, 30, 40, 2, 40}));
  resource.deallocate(two, 30, 64);
  EXPECT_EQ(resource.usage(), (Usage{0, 0, 40, 2, 40}));
}

TEST(CountingResource, SeesTheGrowthOfAContainer) {
  CountingResource resource;
  {
    std::pmr::vector<int64_t> numbers(&resource);
    numbers.reserve(4);
    numbers.reserve(8);  // both arrays live while it moves
    EXPECT_EQ(resource.usage(), (Usage{1, 64, 96, 2, 96}));
  }
  EXPECT_EQ(resource.usage(), (Usage{0, 0, 96, 2, 96}));
}

TEST(CountingResource, AllocatesFromItsUpstreamWhichByDefaultIsOperatorNew) {
  std::pmr::memory_resource* before =
      std::pmr::set_default_resource(std::pmr::null_memory_resource());
  EXPECT_EQ(CountingResource().upstream(), std::pmr::new_delete_resource());
  std::pmr::set_default_resource(before);
  CountingResource upstream;
  CountingResource resource(&upstream);
  void* block = resource.allocate(10);
  EXPECT_EQ(upstream.usage(), resource.usage());
  resource.deallocate(block, 10);
  EXPECT_EQ(upstream.usage(), (Usage{0, 0, 10, 1, 10}));
}

TEST(CountingResource, IsNotAskedByItselfOnceItIsTheDefaultResource) {
  CountingResource resource;
  std::pmr::memory_resource* before = std::pmr::set_default_resource(&resource);
  {
    std::pmr::vector<char> bytes(10);
    EXPECT_EQ(resource.usage(), (Usage{1, 10, 10, 1, 10}));
  }
  std::pmr::set_default_resource(before);
}

TEST(CountingResource, AFailureOfTheUpstreamIsPassedOnAndNotCounted) {
  CountingResource resource(std::pmr::null_memory_resource());
  EXPECT_THROW(static_cast<void>(resource.allocate(10)), std::bad_alloc);
  EXPECT_EQ(resource.usage(), Usage{});
}

TEST(CountingResource, EqualsOnlyItself) {
  CountingResource one;
  CountingResource other;
  EXPECT_TRUE(one.is_equal(one));
  EXPECT_FALSE(one.is_equal(other));
  EXPECT_FALSE(one.is_equal(*one.upstream()));
}

TEST(CountingResource, TwoThreadsLoseNoCount) {
  CountingResource resource;
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) resource.deallocate(resource.allocate(3), 3);
  };
  std::thread one(work);
  std::thread two(work);
  one.join();
  two.join();
  const Usage usage = resource.usage();
  EXPECT_EQ(usage.live_blocks, 0);
  EXPECT_EQ(usage.live_bytes, 0);
  EXPECT_EQ(usage.total_blocks, 40'000);
  EXPECT_EQ(usage.total_bytes, 120'000);
  EXPECT_GE(usage.peak_bytes, 3);
  EXPECT_LE(usage.peak_bytes, 6);
}

TEST(CountingResource, WhatTwoThreadsTakeAtOneMomentIsAllInThePeak) {
  constexpr int kMoments = 200'000;
  std::vector<internal::Tally> tallies(kMoments);
  std::atomic<int> arrivals = 0;
  const auto work = [&] {
    for (int i = 0; i < kMoments; ++i) {
      ++arrivals;
      for (int looks = 1; arrivals < 2 * (i + 1); ++looks) {
        if (looks % 1000 == 0) std::this_thread::yield();
      }
      tallies[static_cast<std::size_t>(i)].Add(3);
    }
  };
  std::thread one(work);
  std::thread two(work);
  one.join();
  two.join();
  int missed = 0;
  for (internal::Tally& tally : tallies) {
    tally.Remove(3);
    tally.Remove(3);
    missed += tally.usage().peak_bytes != 6;
  }
  EXPECT_EQ(missed, 0);
}

}  // namespace
}  // namespace afterleak::heap
