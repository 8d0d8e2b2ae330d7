// The timer queue alone: what arming, stopping and firing cost while so many timers are live. Flat
// is the goal.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "afterleak/timer_queue.h"

namespace {

using afterleak::Duration;
using afterleak::Time;
using afterleak::TimerLink;
using afterleak::TimerQueue;

constexpr Duration kDelay = std::chrono::seconds(30);

// The live set: armed one after the other within the last 30 seconds, all for 30 seconds, as the
// leak does it.
struct Pending {
  explicit Pending(std::int64_t live)
      : timers(static_cast<std::size_t>(live)), step(kDelay / live) {
    for (TimerLink& timer : timers) {
      now += step;
      queue.Arm(timer, now + kDelay);
    }
  }
  std::vector<TimerLink> timers;
  Duration step;
  Time now{};
  TimerQueue queue;
};

// One timer expires and one is armed.
void Fifo(benchmark::State& state) {
  Pending pending(state.range(0));
  for (auto _ : state) {
    pending.now += pending.step;
    while (TimerLink* due = pending.queue.PopDue(pending.now))
      pending.queue.Arm(*due, pending.now + kDelay);
  }
}
BENCHMARK(Fifo)->RangeMultiplier(100)->Range(1'000, 10'000'000);

// A timer that is stopped at once.
void ArmStop(benchmark::State& state) {
  Pending pending(state.range(0));
  TimerLink timer;
  for (auto _ : state) {
    pending.queue.Arm(timer, pending.now + kDelay);
    pending.queue.Stop(timer);
  }
}
BENCHMARK(ArmStop)->RangeMultiplier(100)->Range(1'000, 10'000'000);

// Any of the live timers is stopped and armed anew.
void Churn(benchmark::State& state) {
  Pending pending(state.range(0));
  std::minstd_rand random(1);
  std::vector<std::uint32_t> picks(1 << 16);
  for (auto& pick : picks) pick = static_cast<std::uint32_t>(random() % pending.timers.size());
  std::size_t i = 0;
  for (auto _ : state) {
    TimerLink& timer = pending.timers[picks[i++ % picks.size()]];
    pending.queue.Stop(timer);
    pending.queue.Arm(timer, pending.now + kDelay);
  }
}
BENCHMARK(Churn)->RangeMultiplier(100)->Range(1'000, 10'000'000);

}  // namespace
