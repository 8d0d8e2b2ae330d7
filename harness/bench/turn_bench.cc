// What one turn costs: arming, dropping, one select, the census always on. The counters say what
// one timer takes from the heap.
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include "afterleak/afterleak.h"
#include "afterleak/heap.h"

namespace {

using namespace afterleak;
using namespace std::chrono_literals;

// Abandons timers, evenly spread over the next hour, so that so many are live while the loop runs.
// Returns the room between two.
Duration Abandon(std::int64_t live) {
  const Duration step = Duration(1h) / live;
  for (std::int64_t i = 1; i <= live; ++i) time::After(i * step);
  return step;
}

// One After, dropped at once: in go122 it stays.
void After(benchmark::State& state) {
  Bubble bubble;
  bubble.Run([&] {
    const heap::Scope scope;
    for (auto _ : state) benchmark::DoNotOptimize(time::After(30s));
    const heap::Usage usage = scope.usage();
    state.counters["blocks_per_timer"] =
        static_cast<double>(usage.live_blocks) / static_cast<double>(state.iterations());
    state.counters["bytes_per_timer"] =
        static_cast<double>(usage.live_bytes) / static_cast<double>(state.iterations());
  });
}
BENCHMARK(After);

// A turn of the leaky loop: two timers are armed, one of them fires, one select. The abandoned ones
// of earlier turns fire meanwhile.
void LeakyTurn(benchmark::State& state) {
  Bubble bubble;
  bubble.Run([&] {
    const Duration step = Abandon(state.range(0));
    const Chan<std::string> messages = MakeChan<std::string>();
    for (auto _ : state) {
      Select({Recv(messages), Recv(time::After(step)), Recv(time::After(1h))});
    }
    state.counters["live"] = static_cast<double>(Bubble::Current().Totals().live);
  });
}
BENCHMARK(LeakyTurn)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// The same turn with the fix: a ticker and a context made before the loop.
void FixedTurn(benchmark::State& state) {
  Bubble bubble;
  bubble.Run([&] {
    const auto [ctx, cancel] = context::WithTimeout(context::Background(), Duration::max());
    const time::ScopedTicker ticker(3s);
    const Chan<std::string> messages = MakeChan<std::string>();
    for (auto _ : state) {
      Select({Recv(messages), Recv(ticker.C()), Recv(ctx.Done())});
    }
  });
}
BENCHMARK(FixedTurn);

// A census by line over so many live timers, each of them visited.
void Report(benchmark::State& state) {
  Bubble bubble;
  bubble.Run([&] { Abandon(state.range(0)); });
  for (auto _ : state) benchmark::DoNotOptimize(bubble.Report());
}
BENCHMARK(Report)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
