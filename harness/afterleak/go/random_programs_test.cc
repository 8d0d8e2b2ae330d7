// Random programs of timers against a naive model. They compare what every call returns, every
// value received, the order of callbacks, and the whole census, in both timer modes. The model is a
// vector that is scanned from end to end for everything; it has no queue, channel or goroutine.
// AFTERLEAK_SEED=n repeats the program of one seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/select.h"
#include "afterleak/go/time.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 300;
#else
constexpr std::uint64_t kSeeds = 3000;
#endif
constexpr int kSteps = 60;

enum class Kind { kAfter, kTimer, kFunc, kTicker };

// What a callback saw: whose timer, and when.
using Call = std::pair<std::size_t, Time>;

// ---- the model

struct ModelTimer {
  Kind kind = Kind::kAfter;
  Duration again{};  // above zero: the first callback of this AfterFunc rearms it with this delay
  int handles = 1;
  bool live = false;
  bool abandoned = false;
  Time deadline{};
  int armed_as = 0;  // the ordinal number of this arming
  Duration period{};
  std::optional<Time> value;  // in the channel
};

struct Model {
  bool go123 = false;
  Time now{};
  std::vector<ModelTimer> timers;
  CensusTotals census;
  double seconds_lost = 0;  // left to the deadlines of abandoned timers
  std::vector<Call> calls;
  int armings = 0;

  void Arm(ModelTimer& timer, Duration delay) {
    timer.live = true;
    timer.armed_as = ++armings;
    timer.deadline = delay <= 0s                                        ? now
                     : delay > Duration::max() - now.time_since_epoch() ? Time::max()
                                                                        : now + delay;
    ++census.armed;
    ++census.live;
    census.rooted += timer.kind == Kind::kFunc;
    census.peak_live = std::max(census.peak_live, census.live);
  }

  void Unlive(ModelTimer& timer) {
    timer.live = false;
    --census.live;
    census.rooted -= timer.kind == Kind::kFunc;
    census.abandoned -= timer.abandoned;
    timer.abandoned = false;
  }

  bool Stop(ModelTimer& timer) {
    const bool was_live = timer.live;
    if (was_live) {
      Unlive(timer);
      ++census.stopped;
    }
    const bool stale = go123 && timer.value.has_value();
    if (stale) timer.value.reset();
    return was_live || stale;
  }

  void Drop(ModelTimer& timer) {
    if (--timer.handles > 0 || !timer.live || timer.kind == Kind::kFunc) return;
    if (go123) {
      Unlive(timer);
      ++census.collected;
      return;
    }
    timer.abandoned = true;
    if (timer.kind != Kind::kTicker && timer.deadline != Time::max()) {
      seconds_lost += std::chrono::duration<double>(timer.deadline - now).count();
    }
    census.peak_abandoned = std::max(census.peak_abandoned, ++census.abandoned);
  }

  // In go123 a timer that is due also fires when somebody looks.
  void Look(ModelTimer& timer) {
    std::vector<std::size_t> none;
    if (go123 && timer.live && timer.deadline <= now) Fire(timer, none);
  }

  ModelTimer* FirstDue(Time until) {
    ModelTimer* first = nullptr;
    for (ModelTimer& timer : timers) {
      if (!timer.live || timer.deadline > until || timer.deadline == Time::max()) continue;
      const auto place = [](const ModelTimer& t) { return std::pair(t.deadline, t.armed_as); };
      if (first == nullptr || place(timer) < place(*first)) first = &timer;
    }
    return first;
  }

  void Fire(ModelTimer& timer, std::vector<std::size_t>& callbacks) {
    if (timer.kind == Kind::kFunc) {
      callbacks.push_back(static_cast<std::size_t>(&timer - timers.data()));
    } else if (!timer.value) {
      timer.value = timer.deadline;
    }
    if (timer.kind == Kind::kTicker) {
      ++census.ticks;
      timer.deadline += timer.period;
      timer.armed_as = ++armings;
      return;
    }
    ++census.fired;
    census.fired_unheard += timer.abandoned;
    Unlive(timer);
  }

  // Until nothing more is due at `until`.
  void AdvanceTo(Time until) {
    while (const ModelTimer* due = FirstDue(until)) {
      now = std::max(now, due->deadline);
      std::vector<std::size_t> callbacks;
      while (ModelTimer* next = FirstDue(now)) Fire(*next, callbacks);
      for (const std::size_t index : callbacks) {
        calls.emplace_back(index, now);
        ModelTimer& timer = timers[index];
        if (timer.again <= 0s) continue;
        Stop(timer);
        Arm(timer, std::exchange(timer.again, 0s));
      }
    }
    now = until;
  }
};

// ---- the program: the model, the real thing, and dice

struct Handles {
  std::optional<time::Timer> timer;
  std::optional<time::Ticker> ticker;
  std::vector<RecvChan<Time>> chans;
};

class Program {
 public:
  Program(TimerMode mode, std::uint64_t seed)
      : dice_(seed), bubble_({.timers = mode, .seed = seed}) {
    model_.go123 = mode == TimerMode::kGo123;
    model_.timers.reserve(kSteps);
    handles_.reserve(kSteps);  // callbacks refer to its elements
  }

  void Run() {
    bubble_.Run([this] {
      for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        Step();
      }
      for (std::size_t i = 0; i < handles_.size(); ++i) {
        while (model_.timers[i].handles > 0) Drop(i);
      }
      Advance(100s);
    });
  }

 private:
  static std::int64_t BytesOfATimer() {
    Bubble bubble;
    bubble.Run([] { std::ignore = time::After(1h); });
    return bubble.Totals().live_bytes;
  }

  int Roll(int sides) { return std::uniform_int_distribution(0, sides - 1)(dice_); }

  // Only a few different delays, so that many deadlines coincide.
  Duration Delay() {
    static constexpr Duration kDelays[] = {
        Duration::min(), -1s, 0s, 1ns, 1s, 1s, 2s, 3s, 3s, 5s, 30s, Duration::max()};
    return kDelays[Roll(std::size(kDelays))];
  }
  Duration Period() { return std::chrono::seconds(1 + Roll(7)); }

  void Step() {
    switch (Roll(10)) {
      case 0:
      case 1:
      case 2:
        return Make();
      case 3:
        return Advance(std::chrono::seconds(Roll(4)));
      case 4:
        return Advance(std::chrono::milliseconds(Roll(10'000)));
      default:
        break;
    }
    if (handles_.empty()) return;
    const auto index = static_cast<std::size_t>(Roll(static_cast<int>(handles_.size())));
    if (model_.timers[index].handles == 0) return;
    switch (Roll(8)) {
      case 7:
        return Choose(index, static_cast<std::size_t>(Roll(static_cast<int>(index) + 1)));
      case 0:
        return Stop(index);
      case 1:
        return Reset(index);
      case 2:
        return Receive(index);
      case 3:
        return Await(index);
      case 4:
        return Copy(index);
      default:
        return Drop(index);
    }
  }

  void Make() {
    const std::size_t index = handles_.size();
    Handles& handles = handles_.emplace_back();
    ModelTimer& timer = model_.timers.emplace_back();
    timer.kind = static_cast<Kind>(Roll(4));
    Duration delay = Delay();
    if (timer.kind == Kind::kTicker) delay = timer.period = Period();
    if (timer.kind == Kind::kFunc && Roll(2) == 0) timer.again = Period();
    switch (timer.kind) {
      case Kind::kAfter:
        handles.chans.push_back(time::After(delay));
        break;
      case Kind::kTimer:
        handles.timer = time::NewTimer(delay);
        break;
      case Kind::kTicker:
        handles.ticker = time::NewTicker(delay);
        break;
      case Kind::kFunc:
        again_.resize(index + 1);
        again_[index] = timer.again;
        handles.timer = time::AfterFunc(delay, [this, index] { Callback(index); });
        break;
    }
    model_.Arm(timer, delay);
    Check();
  }

  void Callback(std::size_t index) {
    calls_.emplace_back(index, time::Now());
    const Duration again = std::exchange(again_[index], 0s);
    if (again > 0s && handles_[index].timer) handles_[index].timer->Reset(again);
  }

  void Stop(std::size_t index) {
    ModelTimer& timer = model_.timers[index];
    if (handles_[index].timer) {
      EXPECT_EQ(handles_[index].timer->Stop(), model_.Stop(timer));
    } else if (handles_[index].ticker) {
      handles_[index].ticker->Stop();
      model_.Stop(timer);
    }
    Check();
  }

  void Reset(std::size_t index) {
    ModelTimer& timer = model_.timers[index];
    if (handles_[index].timer) {
      const Duration delay = Delay();
      EXPECT_EQ(handles_[index].timer->Reset(delay), model_.Stop(timer));
      model_.census.stale += timer.value.has_value();
      model_.Arm(timer, delay);
    } else if (handles_[index].ticker) {
      timer.period = Period();
      handles_[index].ticker->Reset(timer.period);
      model_.Stop(timer);
      model_.census.stale += timer.value.has_value();
      model_.Arm(timer, timer.period);
    }
    Check();
  }

  RecvChan<Time> ChanOf(std::size_t index) {
    const Handles& handles = handles_[index];
    return handles.timer    ? handles.timer->C()
           : handles.ticker ? handles.ticker->C()
                            : handles.chans[0];
  }

  void Receive(std::size_t index) {
    if (model_.timers[index].kind != Kind::kFunc) model_.Look(model_.timers[index]);
    EXPECT_EQ(ChanOf(index).TryRecv(), std::exchange(model_.timers[index].value, std::nullopt));
    Check();
  }

  // Blocks until there is a value, if one will come.
  void Await(std::size_t index) {
    ModelTimer& timer = model_.timers[index];
    if (timer.kind == Kind::kFunc) return Drop(index);
    model_.Look(timer);
    if (!timer.value && (!timer.live || timer.deadline == Time::max())) return Receive(index);
    const std::optional<Time> value = ChanOf(index).Recv();
    if (!timer.value) model_.AdvanceTo(timer.deadline);
    EXPECT_EQ(value, std::exchange(timer.value, std::nullopt));
    Settle();
  }

  // Select between two timers, or on one twice.
  void Choose(std::size_t a, std::size_t b) {
    const std::size_t either[] = {a, b};
    ModelTimer* first = nullptr;  // the one to fire; null if a value is there already
    bool ready = false;
    for (const std::size_t index : either) {
      ModelTimer& timer = model_.timers[index];
      if (timer.kind == Kind::kFunc || timer.handles == 0) return;
    }
    for (const std::size_t index : either) {
      ModelTimer& timer = model_.timers[index];
      model_.Look(timer);
      ready |= timer.value.has_value();
      if (!timer.live || timer.deadline == Time::max()) continue;
      const auto place = [](const ModelTimer& t) { return std::pair(t.deadline, t.armed_as); };
      if (first == nullptr || place(timer) < place(*first)) first = &timer;
    }
    if (!ready && first == nullptr) return;
    Time value;
    const int chosen = Select({Recv(ChanOf(a), &value), Recv(ChanOf(b), &value)});
    ModelTimer& timer = model_.timers[either[chosen]];
    if (!ready) {
      EXPECT_EQ(&timer, first);
      model_.AdvanceTo(first->deadline);
    }
    EXPECT_EQ(value, std::exchange(timer.value, std::nullopt));
    Settle();
  }

  void Copy(std::size_t index) {
    if (model_.timers[index].kind == Kind::kFunc) return;
    handles_[index].chans.push_back(ChanOf(index));
    ++model_.timers[index].handles;
    Check();
  }

  void Drop(std::size_t index) {
    Handles& handles = handles_[index];
    if (!handles.chans.empty() && (Roll(2) == 0 || !(handles.timer || handles.ticker))) {
      handles.chans.pop_back();
    } else {
      handles.timer.reset();
      handles.ticker.reset();
      model_.timers[index].again = again_.size() > index ? again_[index] = 0s : 0s;
    }
    model_.Drop(model_.timers[index]);
    Check();
  }

  void Advance(Duration span) {
    const Time until = time::Now() + span;
    time::Sleep(span);
    model_.AdvanceTo(until);
    Settle();
  }

  // At a settled instant.
  void Settle() {
    Wait();
    model_.AdvanceTo(model_.now);
    EXPECT_EQ(time::Now(), model_.now);
    EXPECT_EQ(calls_, model_.calls);
    Check();
  }

  void Check() {
    const CensusTotals got = bubble_.Totals();
    const CensusTotals& want = model_.census;
    EXPECT_TRUE(got.Conserved());
    EXPECT_EQ(got.live, want.live);
    EXPECT_EQ(got.abandoned, want.abandoned);
    EXPECT_EQ(got.rooted, want.rooted);
    EXPECT_EQ(got.armed, want.armed);
    EXPECT_EQ(got.fired, want.fired);
    EXPECT_EQ(got.fired_unheard, want.fired_unheard);
    EXPECT_EQ(got.stopped, want.stopped);
    EXPECT_EQ(got.collected, want.collected);
    EXPECT_EQ(got.ticks, want.ticks);
    EXPECT_EQ(got.peak_live, want.peak_live);
    EXPECT_EQ(got.peak_abandoned, want.peak_abandoned);
    EXPECT_EQ(got.stale, want.stale);
    const std::int64_t of_callbacks = got.live_bytes - bytes_ * want.live;
    if (callback_bytes_ == 0 && want.rooted > 0) callback_bytes_ = of_callbacks / want.rooted;
    EXPECT_EQ(of_callbacks, callback_bytes_ * want.rooted);
    EXPECT_EQ(got.abandoned_bytes, bytes_ * want.abandoned);
    EXPECT_DOUBLE_EQ(got.byte_seconds_lost, static_cast<double>(bytes_) * model_.seconds_lost);
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      const ModelTimer& timer = model_.timers[i];
      if (timer.handles == 0 || timer.kind == Kind::kFunc) continue;
      EXPECT_EQ(ChanOf(i).Len(), timer.value && !model_.go123 ? 1u : 0u) << "timer " << i;
    }
  }

  std::mt19937_64 dice_;
  const std::int64_t bytes_ = BytesOfATimer();  // whatever its kind
  std::int64_t callback_bytes_ = 0;             // what an AfterFunc needs in addition
  Model model_;
  std::vector<Call> calls_;
  std::vector<Duration> again_;
  std::vector<Handles> handles_;
  Bubble bubble_;  // ends first: callbacks use the rest
};

class RandomProgramsTest : public testing::TestWithParam<TimerMode> {};
INSTANTIATE_TEST_SUITE_P(Modes, RandomProgramsTest, kTimerModes, NameOfTimerMode);

TEST_P(RandomProgramsTest, DoAsTheNaiveModelDoes) {
  const char* only = std::getenv("AFTERLEAK_SEED");
  const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only != nullptr ? first : kSeeds;
  std::cout << "AFTERLEAK_SEED:";
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    std::cout << ' ' << seed << std::flush;
    SCOPED_TRACE("AFTERLEAK_SEED=" + std::to_string(seed));
    Program(GetParam(), seed).Run();
  }
  std::cout << std::endl;
}

}  // namespace
}  // namespace afterleak
