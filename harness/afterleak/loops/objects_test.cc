#include "afterleak/loops/objects.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <iostream>
#include <map>
#include <random>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
#include "afterleak/census/keeper.h"

namespace afterleak::loops::internal {
namespace {

using afterleak::internal::keeper;
using afterleak::internal::Keeper;
using afterleak::internal::kOwnPages;

TEST(Objects, AnEmptyTableHasNone) {
  Objects objects;
  EXPECT_EQ(objects.Find(1), nullptr);
  EXPECT_EQ(objects.places(), 0u);
}

// Against a map. Keys come and go often, and there are enough of them that buckets are split.
TEST(Objects, AreWhatAMapWouldHold) {
  const auto seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  Objects objects;
  std::map<Key, Census::Ticket> expected;
  for (Census::Ticket step = 1; step <= 200'000; ++step) {
    const Key key = 16 * (1 + random() % 20'000);
    Object* const found = objects.Find(key);
    const auto known = expected.find(key);
    ASSERT_EQ(found != nullptr, known != expected.end()) << key;
    if (found == nullptr) {
      Object& added = objects.Add(key);
      EXPECT_EQ(added.ticket, 0u) << "what is left of another";
      added.ticket = step;
      expected[key] = step;
    } else {
      ASSERT_EQ(found->ticket, known->second) << key;
      if (random() % 3 == 0) {
        objects.Remove(*found);
        expected.erase(known);
      }
    }
  }
  std::map<Key, Census::Ticket> held;
  for (std::size_t i = 0; i < objects.places(); ++i) {
    if (objects.At(i).key != 0) held[objects.At(i).key] = objects.At(i).ticket;
  }
  EXPECT_EQ(held, expected);
}

TEST(Objects, DoNotMove) {
  constexpr Key kObjects = 100'000;
  Objects objects;
  std::vector<Object*> at;
  for (Key key = 1; key <= kObjects; ++key) at.push_back(&objects.Add(key));
  for (Key key = 1; key <= kObjects; ++key) ASSERT_EQ(objects.Find(key), at[key - 1]);
}

TEST(Objects, APlaceIsUsedAgain) {
  Objects objects;
  for (Key key = 1; key <= 100; ++key) objects.Add(key);
  const std::size_t places = objects.places();
  for (Key key = 1; key <= 100; ++key) {
    objects.Remove(*objects.Find(key));
    objects.Add(1000 + key);
  }
  EXPECT_EQ(objects.places(), places);
}

// Counts what is taken. Nothing is given back: a record does not, either.
std::size_t taken = 0;
constexpr Keeper kCounting = {
    .take =
        [](std::size_t bytes) {
          taken += bytes;
          return kOwnPages.take(bytes);
        },
    .give_back = [](void* pages, std::size_t bytes) { kOwnPages.give_back(pages, bytes); },
    .note_code = nullptr,
    .shared = false};

// Though each of them was there for the first time.
TEST(Objects, ThoseThatComeAndGoTakeNoMore) {
  Objects objects;
  objects.Add(1);
  taken = 0;
  keeper = &kCounting;
  for (Key key = 2; key < 100'000; ++key) {
    objects.Add(key);
    objects.Remove(*objects.Find(key));
  }
  keeper = &kOwnPages;
  EXPECT_EQ(taken, 0u);
}

// As many as fill what is taken at a time. A record of `afterleak watch` holds this for each.
TEST(Objects, ATimerTakes64BytesWithItsRecord) {
  constexpr Key kTimers = (1 << 20) - 4096;
  const TimerKind kind{.name = "kind", .rooted = true};
  const Site site(afterleak::internal::CaptureCallStack());
  Objects objects;
  Census census;
  census.KeepOvertaken();
  taken = 0;
  keeper = &kCounting;
  for (Key key = 1; key <= kTimers; ++key)
    objects.Add(16 * key).ticket = census.Arm(kind, site, 0, Time(), Time::max());
  keeper = &kOwnPages;
  EXPECT_LE(taken, 64 * kTimers);
  EXPECT_EQ(census.totals().live, static_cast<std::int64_t>(kTimers));
}

}  // namespace
}  // namespace afterleak::loops::internal
