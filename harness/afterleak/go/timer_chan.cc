#include "afterleak/go/timer_chan.h"

#include <utility>

namespace afterleak::internal {

Ref<ChanCore> TimerChan::Arm(const TimerKind& kind, Duration delay, Duration period,
                             const Site& site, Ref<Callback> callback) {
  Runtime& runtime = Runtime::Current();
  auto* timer = new TimerChan(runtime, kind, std::move(callback));
  Ref<ChanCore> handle(timer);
  timer->period_ = period;
  const Lock lock(runtime.mutex());
  runtime.AddObject();
  timer->Start(delay, site);
  return handle;
}

TimerChan::TimerChan(Runtime& runtime, const TimerKind& kind, Ref<Callback> callback)
    : ChanCore(runtime, 1), kind_(kind), callback_(std::move(callback)) {
  hides_buffer_ = runtime.options().timers == TimerMode::kGo123;
}

// With the lock held, like End and Fire.
void TimerChan::Start(Duration delay, const Site& site) {
  const Time now = runtime_.Now();
  const auto bytes =
      static_cast<std::uint32_t>(sizeof(TimerChan)) + (callback_ ? callback_->bytes() : 0);
  ticket_ = runtime_.Arm(*this, now, SaturatingAdd(now, delay), kind_, bytes, site);
}

bool TimerChan::End() {
  const bool active = pending();
  if (active) {
    runtime_.queue().Stop(*this);
    runtime_.census().Stop(ticket_);
  }
  // Since Go 1.23 no value from before a Stop or Reset can be received after it.
  const bool stale = hides_buffer_ && len_ > 0;
  if (stale) len_ = 0;
  return active || stale;
}

bool TimerChan::Stop() {
  const Lock lock(runtime_.mutex());
  return End();
}

bool TimerChan::Reset(Duration delay, Duration period, const Site& site) {
  const Lock lock(runtime_.mutex());
  const bool active = End();
  // A Stop that leaves a value is no mistake yet: Go's idiom drains the channel next.
  if (len_ > 0) runtime_.census().CountStale(kind_, site);
  period_ = period;
  Start(delay, site);
  return active;
}

void TimerChan::Fire(Runtime& runtime, Lock& lock) {
  Time expiry = deadline;
  bool received = false;
  bool starts = true;
  if (callback_) {
    try {
      callback_->Start();
    } catch (...) {
      starts = false;
      runtime.Fail(runtime.Caught());
    }
  } else {
    // While the last value is unread, this one is dropped.
    received = TrySendLocked(*this, &expiry) && len_ == 0;
  }
  Census& census = runtime.census();
  if (period_ > Duration::zero()) {
    // The next tick keeps the phase, however late this one is.
    const Duration late = runtime.Now() - expiry;
    runtime.Arm(*this, SaturatingAdd(expiry + period_ * (late / period_), period_));
    try {
      census.Tick(ticket_, deadline);
    } catch (...) {
      runtime.Fail(runtime.Caught());
    }
  } else if (received) {
    census.FireReceived(ticket_);
  } else {
    census.Fire(ticket_);
  }
  if (!starts) {
    Drop(lock);  // the callback goes too: nothing else holds it
  } else if (orphan_ && !pending()) {
    runtime.RemoveObject();
    delete this;
  }
}

void TimerChan::SendIfDue(Lock& lock) {
  if (!pending() || deadline > runtime_.Now() || deadline == Time::max()) return;
  runtime_.queue().Stop(*this);
  Fire(runtime_, lock);
}

void TimerChan::LastHandleGone() {
  Lock lock(runtime_.mutex());
  if (pending()) {
    if (kind_.rooted || !hides_buffer_) {
      orphan_ = true;
      if (!kind_.rooted) runtime_.census().Abandon(ticket_, runtime_.Now());
      return;
    }
    runtime_.queue().Stop(*this);
    runtime_.census().Collect(ticket_);
  }
  runtime_.RemoveObject(lock);
  delete this;
}

void TimerChan::Drop(Lock& lock) {
  if (!orphan_) return;  // a handle is left, or its owner waits for the lock
  runtime_.RemoveObject();
  lock.unlock();
  delete this;
  lock.lock();
}

}  // namespace afterleak::internal
