// What is measured of a timer queue. The same code runs for ours and for every peer.
//
// A peer is a class with room for a number of timers, named 0, 1, 2, ...:
//
//   static constexpr const char* kName;
//   static constexpr std::int64_t kMost;  // timers; with more, one repetition takes too long
//   static constexpr bool kAnyDelay;      // false: all timers have the duration `usual`
//   static constexpr bool kMovesInBulk;   // now and then it moves many timers at once
//   Peer(std::size_t room, nanoseconds usual);
//   void Arm(std::size_t timer, nanoseconds delay);  // if not armed; counts from VirtualNow()
//   void Stop(std::size_t timer);                    // may have fired already
//   void Poll();                                     // one turn of its loop: fires what is due
//   std::int64_t fired;                              // how many timers have fired
#pragma once

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/timer_queue/virtual_clock.h"

namespace bench {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// The time between two deadlines. libuv and GLib count in milliseconds; with a shorter step their
// timers would be due in groups.
constexpr nanoseconds kStep = 1ms;

// Operations per turn of the loop. A turn asks the kernel for events, which is not what we
// want to measure.
constexpr std::int64_t kTurn = 100;

// Bytes from the C library's heap, including those taken by operator new: all that the peer holds.
inline double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// Turns of the loop, kTurn operations each.
template <class Turn>
void MeasureTurns(benchmark::State& state, std::int64_t turns, Turn turn) {
  const double began = CpuSeconds();
  while (state.KeepRunningBatch(turns * kTurn)) {
    for (std::int64_t i = 0; i < turns; ++i) turn();
  }
  state.SetIterationTime(CpuSeconds() - began);
}

// This many live timers, armed one after the other for the same duration, as in the leak.
template <class Peer>
class LiveSet {
 public:
  explicit LiveSet(std::int64_t live)
      : live_(live), ring_(live + 2 * kTurn), usual_(live * kStep), before_(HeapBytes()) {
    peer_ = std::make_unique<Peer>(ring_ + 1, usual_);
    for (std::int64_t i = 0; i < live; ++i) {
      ArmNext();
      if (i % kTurn == 0) peer_->Poll();
    }
  }

  bool in_order() const { return in_order_; }
  std::int64_t live() const { return live_; }
  double BytesPerTimer() const { return (HeapBytes() - before_) / static_cast<double>(live_); }

  // kTurn timers are armed and as many expire.
  void FifoTurn() {
    for (std::int64_t i = 0; i < kTurn; ++i) ArmNext();
    peer_->Poll();
  }

  // A timer is armed and stopped at once.
  void ArmStopTurn() {
    const auto timer = static_cast<std::size_t>(ring_);
    for (std::int64_t i = 0; i < kTurn; ++i) {
      peer_->Arm(timer, usual_);
      peer_->Stop(timer);
    }
    peer_->Poll();
  }

  // A random live timer is stopped and armed again, a microsecond after the last one.
  void ChurnTurn() {
    in_order_ = false;
    for (std::int64_t i = 0; i < kTurn; ++i) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      const auto picked =
          static_cast<std::int64_t>((random_ >> 32) * static_cast<std::uint64_t>(live_) >> 32);
      const auto timer = static_cast<std::size_t>((next_ + ring_ - live_ + picked) % ring_);
      AdvanceVirtual(1us);
      peer_->Stop(timer);
      peer_->Arm(timer, usual_);
    }
    peer_->Poll();
  }

  // False if timers did not expire when they should have. A timer due at this very instant may wait
  // for the next turn.
  bool Whole() const {
    const std::int64_t pending = armed_ - peer_->fired;
    return pending >= live_ && pending <= live_ + kTurn;
  }

 private:
  void ArmNext() {
    AdvanceVirtual(kStep);
    peer_->Arm(static_cast<std::size_t>(next_), usual_);
    if (++next_ == ring_) next_ = 0;
    ++armed_;
  }

  const std::int64_t live_;
  const std::int64_t ring_;  // timers that take turns; the one armed first expires next
  const nanoseconds usual_;
  const double before_;
  std::unique_ptr<Peer> peer_;
  std::int64_t next_ = 0;
  std::int64_t armed_ = 0;
  std::uint64_t random_ = 1;
  bool in_order_ = true;
};

// Arming millions takes longer than measuring, so a set is kept for the next benchmark that
// can use it.
template <class Peer>
LiveSet<Peer>& Live(std::int64_t live, bool in_order) {
  // The last one is left to the kernel: destroying it would take as long as making it.
  static LiveSet<Peer>* set = nullptr;
  if (set == nullptr || set->live() != live || (in_order && !set->in_order())) {
    delete set;
    set = new LiveSet<Peer>(live);
  }
  return *set;
}

template <class Peer>
void Bytes(benchmark::State& state) {
  LiveSet<Peer>& set = Live<Peer>(state.range(0), true);
  for (auto _ : state) state.counters["bytes"] = set.BytesPerTimer();
  if (set.live() > 1'000'000) return;
  for (std::int64_t i = 0; i < set.live(); i += kTurn) set.ChurnTurn();
  state.counters["bytes_churned"] = set.BytesPerTimer();
}

template <class Peer>
void Fifo(benchmark::State& state) {
  LiveSet<Peer>& set = Live<Peer>(state.range(0), true);
  MeasureTurns(state, Peer::kMovesInBulk ? set.live() / kTurn : 1, [&] { set.FifoTurn(); });
  Expect(state, set.Whole(), "not as many timers expired as were armed");
}

template <class Peer>
void ArmStop(benchmark::State& state) {
  LiveSet<Peer>& set = Live<Peer>(state.range(0), false);
  MeasureTurns(state, 1, [&] { set.ArmStopTurn(); });
}

template <class Peer>
void Churn(benchmark::State& state) {
  LiveSet<Peer>& set = Live<Peer>(state.range(0), false);
  MeasureTurns(state, 1, [&] { set.ChurnTurn(); });
}

// From none to this many, in the order of their deadlines. Done once before measuring, so that all
// memory has been touched.
template <class Peer>
void Arm(benchmark::State& state) {
  const std::int64_t live = state.range(0);
  const auto timers = static_cast<std::size_t>(live);
  Peer peer(timers, live * kStep);
  const auto arm_and_stop_all = [&] {
    const double began = CpuSeconds();
    for (std::size_t i = 0; i < timers; ++i) {
      AdvanceVirtual(1us);
      peer.Arm(i, live * kStep);
    }
    const double seconds = CpuSeconds() - began;
    for (std::size_t i = timers; i-- > 0;) peer.Stop(i);  // a heap removes the last one fastest
    peer.Poll();
    return seconds;
  };
  arm_and_stop_all();
  double seconds = 0;
  while (state.KeepRunningBatch(live)) seconds += arm_and_stop_all();
  state.SetIterationTime(seconds);
  Expect(state, peer.fired == 0, "a timer expired before its time");
}

template <class Peer>
void FireAll(benchmark::State& state) {
  const std::int64_t live = state.range(0);
  Peer peer(static_cast<std::size_t>(live), live * kStep);
  std::minstd_rand random(1);
  std::vector<std::int32_t> steps(static_cast<std::size_t>(live));
  for (std::int32_t& step : steps)
    step = static_cast<std::int32_t>(1 + random() % static_cast<std::uint64_t>(live));
  std::int64_t armed = 0;
  double seconds = 0;
  while (state.KeepRunningBatch(live)) {
    for (std::size_t i = 0; i < steps.size(); ++i) peer.Arm(i, steps[i] * kStep);
    armed += live;
    const double began = CpuSeconds();
    for (std::int64_t i = 0; i <= live; i += kTurn) {
      AdvanceVirtual(kTurn * kStep);
      peer.Poll();
    }
    seconds += CpuSeconds() - began;
  }
  state.SetIterationTime(seconds);
  Expect(state, peer.fired == armed, "not as many timers expired as were armed");
}

// True if the peer reads the virtual clock. If it did not, the measurement would take 30 seconds or
// might never end.
template <class Peer>
bool ReadsVirtualClock() {
  Peer peer(1, 30s);
  peer.Poll();
  peer.Arm(0, 30s);
  AdvanceVirtual(29s);
  peer.Poll();
  const bool early = peer.fired != 0;
  AdvanceVirtual(2s);
  peer.Poll();
  return !early && peer.fired == 1;
}

template <class Peer>
int Main(int argc, char** argv) {
  if (!ReadsVirtualClock<Peer>()) {
    std::fprintf(stderr, "%s does not read the virtual clock; nothing can be measured\n",
                 Peer::kName);
    return 2;
  }
  const auto add = [](const char* operation, void (*function)(benchmark::State&),
                      std::int64_t live) {
    return benchmark::RegisterBenchmark((operation + ("/" + std::string(Peer::kName))).c_str(),
                                        function)
        ->Arg(live)
        ->UseManualTime();
  };
  for (std::int64_t live = 1'000; live <= Peer::kMost; live *= live == 1'000 ? 100 : 10) {
    add("Bytes", Bytes<Peer>, live)->Iterations(1);
    add("Fifo", Fifo<Peer>, live);
    add("ArmStop", ArmStop<Peer>, live);
    add("Churn", Churn<Peer>, live);
    add("Arm", Arm<Peer>, live);
    if (Peer::kAnyDelay) add("FireAll", FireAll<Peer>, live);
  }
  return RunBenchmarks(argc, argv);
}

}  // namespace bench
