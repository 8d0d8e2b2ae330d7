// How long a run in virtual time takes: it never sleeps.
#include <chrono>

#include "bench/measure.h"
#include "pairs/pairs.h"
#include "stage/timeline.h"

namespace {

using namespace afterleak;
using namespace std::chrono_literals;

void RunLoopingSelect(benchmark::State& state, const char* workload, Duration length) {
  const Pattern& looping_select = pairs::All().front();
  const RunOptions options{.workload = ParseWorkload(workload), .length = length};
  for (auto _ : state) {
    const Timeline timeline = RunPattern(looping_select, options);
    state.counters["live"] = static_cast<double>(timeline.report.totals.live);
  }
}

BENCHMARK_CAPTURE(RunLoopingSelect, AnHourIdle, "idle", 1h)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(RunLoopingSelect, AMinuteOf10000MessagesASecond, "busy:10000/s", 60s)
    ->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) { return bench::RunBenchmarks(argc, argv); }
