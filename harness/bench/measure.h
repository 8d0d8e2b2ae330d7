// Shared by the benchmark programs that keep time themselves. Google Benchmark's clock is no use to
// them: it is the virtual one, or would include what is not to be measured.
#pragma once

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <climits>
#include <ctime>
#include <string>

namespace bench {

// Processor seconds that a thread has used, including the kernel's: this one, or that of the clock.
inline double CpuSeconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec used;
  clock_gettime(clock, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

inline bool failed = false;  // a benchmark was not what its name says

inline void Expect(benchmark::State& state, bool as_it_should, const std::string& otherwise) {
  if (as_it_should) return;
  failed = true;
  state.SkipWithError(otherwise.c_str());
}

// What the heap has had, it keeps: or glibc gives memory back after each repetition, and the next
// one measures how fast the machine makes pages. Other allocators do not ask.
inline void KeepMemory() {
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_MAX, 0);
}

// The rest of main(), once all benchmarks are registered.
inline int RunBenchmarks(int argc, char** argv) {
  KeepMemory();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return failed ? 1 : 0;
}

}  // namespace bench
