// What is measured of a whole turn of the looping select: the same code for ours and for Asio.
//
// A peer is a class that stands in the loop:
//
//   static constexpr const char* kName;
//   static constexpr std::int64_t kMost;          // timers; with more, one repetition takes too long
//   static constexpr bool kManyThreads;           // each can have a peer of its own
//   static void Inside(std::int64_t live, work);  // calls work(peer) where a loop may run, with so
//                                                 // many timers pending that fire much later
//   void LeakyTurns(std::int64_t turns);  // in each a message comes, and two timers are armed, of
//                                         // kPoll and of kGiveUp; what is there first is received:
//                                         // the message. Nobody stops the timers
//   void FixedTurns(std::int64_t turns);  // in each a message comes and is received; a ticker and a
//                                         // deadline stand by that were made before the first
//   void Expire();                        // lets time pass until no timer is left of those turns
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
constexpr auto kMuchLater = 24h * 365;  // when the timers fire that only stand there

// Each leaves two timers: so few turns that about as many timers live while they are measured.
inline std::int64_t TurnsAtATime(std::int64_t live) { return live / 20; }

// Processor time of so many turns. What they leave has expired when it returns.
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
    LeakyTurns(peer, turns);  // its memory is then there
    const std::int64_t before = peer.received;
    double seconds = 0;
    while (state.KeepRunningBatch(turns)) seconds += LeakyTurns(peer, turns);
    state.SetIterationTime(seconds);
    Expect(state, peer.received - before == state.iterations(), "not every message was received");
  });
}

// The same while another thread has a loop of its own, which shares nothing but the allocator.
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
