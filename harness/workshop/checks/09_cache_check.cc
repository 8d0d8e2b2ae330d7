#include <fmt/format.h>

#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

using Text = std::optional<std::string>;

void KeepsAValueForItsTime() {
  const auto cache = NewCache();
  cache->Put("a", "1", 10s);
  cache->Put("b", "2", 10s + kOffGrid);
  time::Sleep(10s - 1ns);
  Wait();
  Require(cache->Get("a") == Text("1") && cache->Get("b") == Text("2"), "cache.early",
          "A value is gone before its time to live is over.");
  time::Sleep(1ns);
  Wait();
  Require(cache->Get("a") == std::nullopt, "cache.late",
          "A value is still there when its time to live is over, to the instant.");
  time::Sleep(kOffGrid);
  Wait();
  Require(cache->Get("b") == std::nullopt, "cache.late",
          "A value is still there when its time to live is over, to the instant.");
}

void APutBeginsAnew() {
  const auto cache = NewCache();
  cache->Put("key", "old", 10s);
  time::Sleep(6s);
  cache->Put("key", "new", 10s);
  time::Sleep(9s);
  Require(
      cache->Get("key") == Text("new"), "cache.overwritten",
      "A value that was put again lives for its own time, counted from its own Put: here from 6s "
      "to 16s.");
  time::Sleep(1s);
  Wait();
  Require(cache->Get("key") == std::nullopt, "cache.renewed",
          "A value that was put again must go when its own time is over: here at 16s.");
}

void EraseTakesItAway() {
  const auto cache = NewCache();
  cache->Put("key", "old", 10s);
  cache->Erase("key");
  cache->Erase("none");
  Require(cache->Get("key") == std::nullopt, "cache.erase", "An erased value is still there.");
  time::Sleep(5s);
  cache->Put("key", "new", 10s);
  time::Sleep(8s);
  Require(cache->Get("key") == Text("new"), "cache.erased",
          "A value is gone too soon: a timer of one that was erased before it has taken it away.");
}

void CachesDoNotDisturbEachOther() {
  const auto whole = NewCache();
  auto brief = NewCache();
  whole->Put("key", "whole", 10s);
  brief->Put("key", "brief", 5s);
  brief->Put("other", "brief", 60s);
  Require(whole->Get("key") == Text("whole") && whole->Get("other") == std::nullopt,
          "cache.together", "A value is there that was put into another cache.");
  time::Sleep(1s);
  brief.reset();
  const auto next = NewCache();
  Require(next->Get("key") == std::nullopt && next->Get("other") == std::nullopt, "cache.together",
          "A cache that was just made has a value in it.");
  time::Sleep(8s);
  Require(whole->Get("key") == Text("whole"), "cache.together",
          "A cache is destroyed, and a value of another one is gone with it.");
  time::Sleep(1s);
  Wait();
  Require(whole->Get("key") == std::nullopt, "cache.together",
          "A cache is destroyed, and a value of another one does not expire any more.");
}

void TheSameFewKeys(Load& load) {
  const auto cache = NewCache();
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    cache->Put(std::to_string(i % 5), "value", 60s);
    load.Turn();
  }
}

// The cache itself may have something: a goroutine that looks after it.
void NothingIsLeftOfErasedValues() {
  const auto cache = NewCache();
  Inventory before;
  for (int i = 0; i < 10; ++i) {
    cache->Put(std::to_string(i), "value", 60s);
    cache->Erase(std::to_string(i));
    Wait();
    if (i == 0) before = Bubble::Current().Alive();
  }
  Require(JudgeLeftBehind(before, Bubble::Current().Alive()).empty(), "path.erase",
          "A value was erased, and its timer is still live.");
}

void NothingIsLeftOfACache() {
  auto cache = NewCache();
  cache->Put("key", "value", 60s);
  cache->Put("other", "value", 60s);
  cache.reset();
  Wait();
  RequireNothingLeft("path.destroy",
                     "The cache is destroyed, and timers of its values are still live.");
}

// Each key is written once, and nobody asks for it any more.
void NothingIsKeptOfAnExpiredValue() {
  const auto cache = NewCache();
  RequireFlatHeap("path.expired",
                  "Values have expired, and nobody asks for them: the cache still keeps something "
                  "for each of them.",
                  [&](int turn) {
                    cache->Put(fmt::format("key {}", turn), "value", 1s);
                    time::Sleep(2s);
                  });
}

void NothingIsKeptOfWhatWasErased() {
  const auto cache = NewCache();
  RequireFlatHeap("path.erased",
                  "Values were erased, and the cache still keeps something for each of them.",
                  [&](int turn) {
                    const std::string key = fmt::format("key {}", turn);
                    cache->Put(key, "value", 30s);
                    cache->Put(key, "another", 30s);
                    cache->Erase(key);
                    time::Sleep(1s);
                  });
}

// Does `act` when the first value is due; whichever of the two goes first.
void WhenDue(const std::function<void(std::unique_ptr<Cache>&)>& act,
             const std::function<void(std::unique_ptr<Cache>&)>& look) {
  const auto cache = std::make_shared<std::unique_ptr<Cache>>();
  const auto done = MakeChan<Unit>(1);
  Go([=] {  // asleep before the timer is armed
    time::Sleep(10s);
    act(*cache);
    done.Send({});
  });
  Wait();
  *cache = NewCache();
  (*cache)->Put("key", "old", 10s);
  (*cache)->Put("other", "old", 10s);
  done.Recv();
  look(*cache);
}

void APutWhenTheOldValueIsDue() {
  WhenDue([](auto& cache) { cache->Put("key", "new", 10s); },
          [](auto& cache) {
            Wait();
            Require(cache->Get("key") == Text("new"), "cache.instant",
                    "A value is put again at the very instant when the old one is due, and is "
                    "gone: the old one's timer has taken it away.");
            time::Sleep(9s);
            Require(cache->Get("key") == Text("new"), "cache.instant",
                    "A value is put again at the very instant when the old one is due, and is "
                    "gone too soon.");
            time::Sleep(1s);
            Wait();
            Require(cache->Get("key") == std::nullopt, "cache.late",
                    "A value is still there when its time to live is over, to the instant.");
          });
}

void AnEraseWhenTheValueIsDue() {
  WhenDue(
      [](auto& cache) {
        cache->Erase("key");
        cache->Put("other", "new", 10s);
        cache->Erase("other");
        cache->Put("other", "newest", 10s);
      },
      [](auto& cache) {
        Wait();
        Require(cache->Get("other") == Text("newest"), "cache.instant",
                "A value is erased and put again at the very instant when the old one is due, and "
                "is gone: the old one's timer has taken it away.");
      });
}

void TheCacheIsDestroyedWhenAValueIsDue() {
  WhenDue([](auto& cache) { cache.reset(); }, [](auto&) { time::Sleep(1min); });
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {KeepsAValueForItsTime, APutBeginsAnew, EraseTakesItAway,
                  CachesDoNotDisturbEachOther},
    .load = TheSameFewKeys,
    .paths = {NothingIsLeftOfErasedValues, NothingIsLeftOfACache, NothingIsKeptOfAnExpiredValue,
              NothingIsKeptOfWhatWasErased},
    .instants = {APutWhenTheOldValueIsDue, AnEraseWhenTheValueIsDue,
                 TheCacheIsDestroyedWhenAValueIsDue},
};

}  // namespace workshop
