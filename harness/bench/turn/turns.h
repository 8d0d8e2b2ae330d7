// What is measured of a whole turn of the looping select. The same code runs for ours and for Asio.
//
// A peer is a class that provides the loop:
//
//   static constexpr const char* kName;
//   static constexpr std::int64_t kMost;          // timers; with more, a repetition takes too long
//   static constexpr bool kManyThreads;           // each thread can have a separate peer
//   static void Inside(std::int64_t live, work);  // calls work(peer) where a loop may run, while
//                                                 // `live` other timers wait that fire much later
//   void LeakyTurns(std::int64_t turns);  // in each, a message comes and two timers are armed, of
//                                         // kPoll and of kGiveUp; what is ready first is received:
//                                         // the message. The timers are not stopped
//   void FixedTurns(std::int64_t turns);  // in each, a message comes and is received, beside a
//                                         // ticker and a deadline made before the first turn
//   void Expire();                        // lets time pass until no timer of those turns is left
//   std::int64_t received;                // messages so far
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "bench/measure.h"

namespace bench {

using namespace std::chrono_literals;

constexpr auto kPoll = 3s;
constexpr auto kGiveUp = 30s;
constexpr auto kMuchLater = 24h * 365;  // when the timers that are only there to be pending fire

// Each turn leaves two timers. The number of turns is small enough that about this many timers live
// while they are measured.
inline std::int64_t TurnsAtATime(std::int64_t live) { return live / 20; }

// Processor time of this many turns. The timers they leave have expired when it returns.
template <class Peer>
double LeakyTurns(Peer& peer, std::int64_t turns) {
  const double began = CpuSeconds();
  peer.LeakyTurns(turns);
  const double seconds = CpuSeconds() - began;
  peer.Expire();
  return seconds;
}

template <class Peer>
void LeakyTurn(benchmark::State& state) {
  const std::int64_t live = state.range(0);
  const std::int64_t turns = TurnsAtATime(live);
  Peer::Inside(live, [&](Peer& peer) {
    LeakyTurns(peer, turns);  // so that its memory exists already
    const std::int64_t before = peer.received;
    double seconds = 0;
    while (state.KeepRunningBatch(turns)) seconds += LeakyTurns(peer, turns);
    state.SetIterationTime(seconds);
    Expect(state, peer.received - before == state.iterations(), "not every message was received");
  });
}

// The same while another thread runs a separate loop that shares nothing but the allocator.
template <class Peer>
void LeakyTurnOfTwo(benchmark::State& state) {
  const std::jthread other([live = state.range(0)](const std::stop_token& stop) {
    Peer::Inside(live, [&](Peer& peer) {
      while (!stop.stop_requested()) LeakyTurns(peer, TurnsAtATime(live));
    });
  });
  LeakyTurn<Peer>(state);
}

template <class Peer>
void FixedTurn(benchmark::State& state) {
  Peer::Inside(0, [&](Peer& peer) {
    double seconds = 0;
    while (state.KeepRunningBatch(1'000)) {
      const double began = CpuSeconds();
      peer.FixedTurns(1'000);
      seconds += CpuSeconds() - began;
    }
    state.SetIterationTime(seconds);
    Expect(state, peer.received == state.iterations(), "not every message was received");
  });
}

template <class Peer>
int TurnMain(int argc, char** argv) {
  const auto add = [](const char* operation, void (*function)(benchmark::State&),
                      std::int64_t live) {
    benchmark::RegisterBenchmark(fmt::format("{}/{}", operation, Peer::kName).c_str(), function)
        ->Arg(live)
        ->UseManualTime();
  };
  add("FixedTurn", FixedTurn<Peer>, 2);
  for (const std::int64_t live : {1'000, 100'000, 1'000'000, 10'000'000})
    if (live <= Peer::kMost) add("LeakyTurn", LeakyTurn<Peer>, live);
  if (Peer::kManyThreads) add("LeakyTurnOfTwo", LeakyTurnOfTwo<Peer>, 100'000);
  return RunBenchmarks(argc, argv);
}

}  // namespace bench
