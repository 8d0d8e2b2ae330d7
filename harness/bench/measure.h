// What the benchmark programs share that keep their own time. Google Benchmark's clock is of no use
// to them: it is the virtual one, or would count what is not to be measured.
#pragma once

#include <benchmark/benchmark.h>

#include <ctime>
#include <string>

namespace bench {

// Seconds of the processor that this thread has used, the kernel's included.
inline double CpuSeconds() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

inline bool failed = false;  // a benchmark was not what its name says

inline void Expect(benchmark::State& state, bool as_it_should, const std::string& otherwise) {
  if (as_it_should) return;
  failed = true;
  state.SkipWithError(otherwise.c_str());
}

// The rest of main() when all benchmarks are registered.
inline int RunBenchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return failed ? 1 : 0;
}

}  // namespace bench
