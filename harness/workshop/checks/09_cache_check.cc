#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

using Text = std::optional<std::string>;

void KeepsAValueForItsTime() {
  const auto cache = NewCache();
  cache->Put("a", "1", 10s);
  cache->Put("b", "2", 10500ms);
  time::Sleep(10s - 1ns);
  Wait();
  Require(cache->Get("a") == Text("1") && cache->Get("b") == Text("2"), "cache.early",
          "A value is gone before its time to live is over.");
  time::Sleep(1ns);
  Wait();
  Require(cache->Get("a") == std::nullopt, "cache.late",
          "A value is still there when its time to live is over, to the instant.");
  time::Sleep(500ms);
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

void TheSameFewKeys(Load& load) {
  const auto cache = NewCache();
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    time::Sleep(100ms);
    cache->Put(std::to_string(i % 5), "value", 60s);
    load.Turn();
  }
}

void NothingIsLeftOfAnErasedValue() {
  const auto cache = NewCache();
  cache->Put("key", "value", 60s);
  cache->Erase("key");
  RequireNothingLeft("path.erase", "A value was erased, and its timer is still live.");
}

void NothingIsLeftOfACache() {
  auto cache = NewCache();
  cache->Put("key", "value", 60s);
  cache->Put("other", "value", 60s);
  cache.reset();
  RequireNothingLeft("path.destroy",
                     "The cache is destroyed, and timers of its values are still live.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {KeepsAValueForItsTime, APutBeginsAnew, EraseTakesItAway},
    .load = TheSameFewKeys,
    .paths = {NothingIsLeftOfAnErasedValue, NothingIsLeftOfACache},
};

}  // namespace workshop
