// What a census costs an event loop. Each program is built twice: with the census of loops in front
// of its library, and without.
//
// A peer is a class that provides the loop, with `live` other timers pending that fire much later:
//
//   static constexpr const char* kName;  // "libuv"
//   explicit Peer(std::int64_t live);
//   void StartStop();                    // arms a timer and stops it, from one line
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "bench/measure.h"

#ifdef WATCHED
#include "afterleak/loops/loops.h"
#endif

namespace bench {

constexpr int kFrames = 8;  // between main and the call, as in a program that does something

template <class Peer>
[[gnu::noinline]] void StartStop(Peer& peer, int frames) {
  if (frames > 0)
    StartStop(peer, frames - 1);
  else
    peer.StartStop();
  asm volatile("");  // no tail call
}

template <class Peer>
int MeasureLoop(int argc, char** argv) {
  const auto start_stop = [](benchmark::State& state) {
    Peer peer(state.range(0));
#ifdef WATCHED
    const std::int64_t armed = afterleak::loops::Totals().armed;
#endif
    constexpr std::int64_t kBatch = 1000;
    double seconds = 0;
    while (state.KeepRunningBatch(kBatch)) {
      const double began = CpuSeconds();
      for (std::int64_t i = 0; i < kBatch; ++i) StartStop(peer, kFrames);
      seconds += CpuSeconds() - began;
    }
    state.SetIterationTime(seconds);
#ifdef WATCHED
    Expect(state, afterleak::loops::Totals().armed - armed == state.iterations(), "not seen");
#endif
  };
#ifdef WATCHED
  constexpr const char* kPeer = "watched";
#else
  constexpr const char* kPeer = "unwatched";
#endif
  const std::string name = fmt::format("StartStop_{}/{}", Peer::kName, kPeer);
  for (const std::int64_t live : {1'000, 100'000}) {
    benchmark::RegisterBenchmark(name.c_str(), start_stop)->Arg(live)->UseManualTime();
  }
  return RunBenchmarks(argc, argv);
}

}  // namespace bench
