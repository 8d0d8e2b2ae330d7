// What one time::After costs in time and on the heap, how much of that is the census, and how long
// a report of many timers takes.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <source_location>
#include <tuple>

#include "afterleak/afterleak.h"
#include "afterleak/census/census.h"
#include "afterleak/heap/heap.h"
#include "bench/measure.h"

namespace {

using namespace afterleak;
using namespace std::chrono_literals;

// All that is measured happens at one instant.
constexpr Bubble::Options kManyTurns{.turns_at_one_instant = ~std::uint64_t{0}};

// One After, dropped at once: in go122 the timer stays.
void MeasureAfter(benchmark::State& state, const Bubble::Options& options) {
  Bubble bubble(options);
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
void After(benchmark::State& state) { MeasureAfter(state, kManyTurns); }
BENCHMARK(After);

// As in Go, where After reads the machine's clock.
void AfterOnRealClock(benchmark::State& state) { MeasureAfter(state, {.clock = ClockKind::kReal}); }
BENCHMARK(AfterOnRealClock);

// Resident bytes of this process, because the census keeps its records outside the heap.
double ResidentBytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE));
}

// The census alone: this many timers are armed and stay.
void CensusArm(benchmark::State& state) {
  const TimerKind kind{.name = "timer"};
  while (state.KeepRunningBatch(state.range(0))) {
    const double before = ResidentBytes();
    Census census;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      census.Arm(kind, std::source_location::current(), 128, Time{}, Time(i * 1ms));
    }
    state.counters["census_bytes_per_timer"] =
        (ResidentBytes() - before) / static_cast<double>(state.range(0)) + sizeof(Census::Ticket);
  }
}
BENCHMARK(CensusArm)->Arg(1'000'000);

void MeasureReport(benchmark::State& state, std::size_t sites, void (*arm)(std::int64_t live)) {
  Bubble bubble(kManyTurns);
  bubble.Run([&] { arm(state.range(0)); });
  for (auto _ : state) benchmark::DoNotOptimize(bubble.Report());
  const CensusReport report = bubble.Report();
  if (report.sites.size() != sites || report.totals.live != state.range(0))
    state.SkipWithError("the report counts other timers or sites");
}

// A census by line of this many live timers, each of them visited.
void Report(benchmark::State& state) {
  MeasureReport(state, 1, [](std::int64_t live) {
    for (std::int64_t i = 1; i <= live; ++i) std::ignore = time::After(i * 1ms);
  });
}
BENCHMARK(Report)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The same when a thousand lines take turns arming them.
void ReportOfThousandSites(benchmark::State& state) {
  MeasureReport(state, 1'000, [](std::int64_t live) {
    for (std::int64_t i = 1; i <= live; i += 1'000) {
#include "thousand_sites.inc"
    }
  });
}
BENCHMARK(ReportOfThousandSites)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) { return bench::RunBenchmarks(argc, argv); }
