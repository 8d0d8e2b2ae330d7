#include "afterleak/go/time.h"

#include "afterleak/bubble/panic.h"
#include "afterleak/go/timer_chan.h"

namespace afterleak {

namespace time {

const TimerKind kAfter{.name = "time::After", .cure = "use NewTimer, and Stop it on every way out"};
const TimerKind kTimer{.name = "time::NewTimer", .cure = "Stop it on every way out"};
const TimerKind kAfterFunc{.name = "time::AfterFunc",
                           .rooted = true,
                           .cure = "keep the timer, and Stop it on every way out"};
const TimerKind kTick{
    .name = "time::Tick", .periodic = true, .cure = "use NewTicker, and Stop it on every way out"};
const TimerKind kTicker{
    .name = "time::NewTicker", .periodic = true, .cure = "Stop it on every way out"};

namespace {

using internal::Callback;
using internal::ChanCore;
using internal::Lock;
using internal::Ref;
using internal::Runtime;
using internal::TimerChan;

// A sleeping goroutine, on that goroutine's stack.
class Sleeper final : public internal::Alarm {
 public:
  explicit Sleeper(internal::Goroutine& goroutine) : goroutine_(goroutine) {}
  ~Sleeper() {
    if (pending()) goroutine_.runtime->queue().Stop(*this);  // unwound
  }
  void Fire(Runtime& runtime, Lock&) override { runtime.Ready(goroutine_); }
  void Drop(Lock&) override {}

 private:
  internal::Goroutine& goroutine_;
};

TimerChan& Checked(const Ref<ChanCore>& timer, const char* what) {
  if (!timer) throw Panic(what);
  return static_cast<TimerChan&>(*timer);
}

void CheckPeriod(Duration period, const char* what) {
  if (period <= Duration::zero()) throw Panic(what);
}

}  // namespace

Time Now() { return Bubble::Current().Now(); }
Duration Since(Time instant) { return Now() - instant; }
Duration Until(Time instant) { return instant - Now(); }

void Sleep(Duration delay, std::source_location site) {
  if (delay <= Duration::zero()) return;
  Runtime& runtime = Runtime::Current();
  Lock lock(runtime.mutex());
  internal::Goroutine& self = runtime.Self();
  Sleeper sleeper(self);
  runtime.Arm(sleeper, SaturatingAdd(runtime.Now(), delay));
  runtime.Block(self, "sleep", site, lock);
}

RecvChan<Time> After(Duration delay, std::source_location site) {
  return RecvChan<Time>(TimerChan::Arm(kAfter, delay, {}, site));
}

RecvChan<Time> Tick(Duration period, std::source_location site) {
  if (period <= Duration::zero()) return {};
  return RecvChan<Time>(TimerChan::Arm(kTick, period, period, site));
}

Timer NewTimer(Duration delay, std::source_location site) {
  return Timer(TimerChan::Arm(kTimer, delay, {}, site));
}

Timer AfterFunc(Duration delay, Ref<Callback> callback, std::source_location site) {
  return Timer(TimerChan::Arm(kAfterFunc, delay, {}, site, std::move(callback)));
}

RecvChan<Time> Timer::C() const {
  const bool sends = timer_ && !static_cast<const TimerChan&>(*timer_).HasCallback();
  return sends ? RecvChan<Time>(timer_) : RecvChan<Time>();
}

bool Timer::Stop() const {
  return Checked(timer_, "time: Stop called on uninitialized Timer").Stop();
}

bool Timer::Reset(Duration delay, std::source_location site) const {
  return Checked(timer_, "time: Reset called on uninitialized Timer").Reset(delay, {}, site);
}

Ticker NewTicker(Duration period, std::source_location site) {
  CheckPeriod(period, "non-positive interval for NewTicker");
  return Ticker(TimerChan::Arm(kTicker, period, period, site));
}

RecvChan<Time> Ticker::C() const { return RecvChan<Time>(timer_); }

void Ticker::Stop() const {
  if (timer_) static_cast<TimerChan&>(*timer_).Stop();  // Go allows this on a zero Ticker
}

void Ticker::Reset(Duration period, std::source_location site) const {
  CheckPeriod(period, "non-positive interval for Ticker.Reset");
  Checked(timer_, "time: Reset called on uninitialized Ticker").Reset(period, period, site);
}

}  // namespace time
}  // namespace afterleak
