// What makes time pass in a bubble: the driver of the virtual clock and the thread of
// the real clock.
#include <algorithm>
#include <utility>

#include "afterleak/bubble/runtime.h"
#include "afterleak/census/duration.h"

namespace afterleak::internal {

// How long the real clock waits for the goroutines to block before it treats an instant as settled.
constexpr std::chrono::milliseconds kQuiet(50);

// How long no waiting goroutine may have been started before the clock starts one in addition to
// those that run, and how many may run then: Go's limit on threads (debug.SetMaxThreads).
constexpr std::chrono::milliseconds kStalled(10);
constexpr int kMostStalled = 10'000;

// Arming a timer counts as this many turns, because it also takes memory: 170 to 310 bytes. With
// the default limit that comes to 500 MB at most.
constexpr std::uint64_t kTurnsToArm = 6;

// The sum saturates: a real bubble's time ends when the machine's does, and does not wrap around.
std::chrono::steady_clock::time_point Runtime::Steady(Time instant) const {
  return ToSteady(SaturatingAdd(start_, instant.time_since_epoch()));
}

Time Runtime::Now() const { return is_virtual() ? now_ : Time(RealNow() - start_); }

void Runtime::Arm(Alarm& alarm, Time deadline) {
  if (closed_) return;
  if (!is_virtual()) StartClock();
  queue_.Arm(alarm, deadline);
  WakeClock(deadline);
}

Census::Ticket Runtime::Arm(Alarm& alarm, Time now, Time deadline, const TimerKind& kind,
                            std::uint32_t bytes, const Site& site) {
  if (closed_) return 0;
  Turn(site.location(), kTurnsToArm);
  if (!is_virtual()) StartClock();
  const Census::Ticket ticket = census_.Arm(kind, site, bytes, now, deadline);
  queue_.Arm(alarm, deadline);
  WakeClock(deadline);
  return ticket;
}

void Runtime::Enqueue(Runnable& task) { run_queue_.Append(task); }

void Runtime::At(Time instant, bool sample, std::function<void()> event) {
  const Lock lock(mutex_);
  const heap::Scope::Suspend suspend;
  const EventKey key{std::max(instant, Now()), sample};
  if (!is_virtual()) StartClock();
  events_.emplace(key, std::move(event));
  WakeClock(key.instant);
}

void Runtime::AdvanceTo(Time instant) {
  RefuseInside();
  Lock lock(mutex_);
  if (stuck_) std::rethrow_exception(stuck_);
  if (is_virtual()) {
    Drive(std::max(instant, now_), lock);
  } else {
    const auto ended = [&] { return interrupted_ || failure_; };
    outside_.wait_until(lock, Steady(instant), ended);
    const auto served = [&] { return NextEvent(true) > instant && !in_event_; };
    if (!Watch(outside_, lock, [&] { return ended() || served(); }))
      BeStuck("an event (At or SampleAt) does not return");
    quiet_.wait_for(lock, kQuiet, [&] { return ended() || running_ == 0; });
  }
  RethrowFailure(lock);
}

Time Runtime::NextEvent(bool samples_too) const {
  for (const auto& [key, event] : events_) {
    if (samples_too || !key.sample) return key.instant;
  }
  return Time::max();
}

// Fires everything that is due. This makes goroutines runnable, but none of them runs before the
// last alarm of the instant has fired. A shuffle fires only one of them: each that it does not
// choose goes behind the others.
bool Runtime::FireDue(Time now, Lock& lock) {
  bool fired = false;
  while (TimerLink* due = closing_ ? nullptr : queue_.PopDue(now)) {
    if (shuffles() && due->deadline == now && Random(2) == 0) {
      queue_.Arm(*due, now);
      continue;
    }
    static_cast<Alarm*>(due)->Fire(*this, lock);
    fired = true;
    if (shuffles()) break;
  }
  return fired;
}

// Runs the first event, which is due.
void Runtime::RunEvent(Lock& lock) {
  auto event = events_.extract(events_.begin());
  in_event_ = true;
  lock.unlock();
  std::exception_ptr failure;
  {
    const EnterRuntime enter(this, nullptr);
    const heap::Scope::Suspend suspend;
    try {
      event.mapped()();
    } catch (...) {
      failure = std::current_exception();
    }
    event = {};
  }
  lock.lock();
  in_event_ = false;
  if (failure) Fail(std::move(failure));
}

// ---- the virtual clock

void Runtime::Drive(Time limit, Lock& lock) {
  limit_ = limit;
  driving_ = true;
  turns_ = 0;
  if (!events_.empty()) StartWatching();
  Dispatch(lock);
  caller_waits_ = true;
  if (!Watch(outside_, lock, [&] { return !driving_; })) NobodyCalls();
  caller_waits_ = false;
}

// Called by the holder of the baton to give it up, or to begin a drive: hands the baton on, or
// drives until it can.
void Runtime::Dispatch(Lock& lock) {
  while (!closing_) {
    if (!interrupted_ && ++turns_ > turn_limit_) TooManyTurns();
    if (shuffles() && !interrupted_ && Random(2) == 0 && FireDue(now_, lock)) continue;
    if (!run_queue_.empty() && !interrupted_) {
      Runnable& next = shuffles() ? run_queue_.at(Random(run_queue_.size())) : run_queue_.first();
      run_queue_.Remove(next);
      if (next.Resume(*this, lock)) return;
    } else if (!Step(lock)) {
      if (root_ != nullptr) return EndRoot();
      driving_ = false;
      return outside_.notify_all();
    }
  }
}

// Does the next thing of the settled present, or moves to the next instant. False when
// the drive ends.
bool Runtime::Step(Lock& lock) {
  if (interrupted_ || failure_) return false;
  if (FireDue(now_, lock)) return true;
  if (!events_.empty() && NextEvent(true) <= now_) {
    RunEvent(lock);
    return true;
  }
  const Time next = std::min(queue_.NextDeadline(), NextEvent(false));
  if (next == Time::max() && root_ != nullptr) {
    try {
      deadlock_ = "all goroutines are asleep - deadlock! (at " +
                  FormatDuration(now_.time_since_epoch()) + ")\n" + ToString(Goroutines());
    } catch (...) {
      Fail(Caught());
    }
    return false;
  }
  const Time target = std::min(next, NextEvent(true));
  now_ = std::min(target, limit_);
  turns_ = 0;
  return target <= limit_ && target < Time::max();  // what is due at the end of time never comes
}

// ---- the real clock

void Runtime::StartClock() {
  if (closing_ || clock_thread_.joinable()) return;
  const heap::Scope::Suspend suspend;
  clock_thread_ = std::thread([this] { ClockLoop(); });
}

void Runtime::WakeClock(Time deadline) {
  if (deadline < clock_sleeps_until_) clock_wake_.notify_one();
}

// The last of the goroutines waiting for a thread has just arrived. Without a clock thread they
// wait until another goroutine blocks or ends.
void Runtime::WatchWaiting() {
  if (waiting_.alone()) waiting_moved_ = starved_since_ = Now();
  try {
    StartClock();
    WakeClock(waiting_moved_ + kStalled);
  } catch (...) {
  }
}

// Starts one more goroutine if the running ones have let none start for a while. If there is no
// thread for it and all others are blocked, maybe nothing ever runs: after a time, that fails.
void Runtime::StartStalled(Time now, Lock& lock) {
  if (waiting_.empty() || now < waiting_moved_ + kStalled) return;
  waiting_moved_ = now;
  if (running_ >= kMostStalled || StartFirstWaiting()) return;
  if (running_ > 0) starved_since_ = now;
  if (now - starved_since_ >= options_.stuck_after) waiting_.Take().Resume(*this, lock);
}

void Runtime::ClockLoop() {
  Lock lock(mutex_);
  while (!closing_) {
    const Time now = Now();
    FireDue(now, lock);
    while (!run_queue_.empty()) run_queue_.Take().Resume(*this, lock);
    if (closing_) return;  // Resume released the lock, and nobody heard the notification
    StartStalled(now, lock);
    if (closing_) return;  // so may that
    if (NextEvent(true) <= now) {
      if (events_.begin()->first.sample)
        quiet_.wait_for(lock, kQuiet, [&] { return running_ == 0 || closing_; });
      RunEvent(lock);
      outside_.notify_all();
      continue;
    }
    clock_sleeps_until_ = std::min(queue_.NextDeadline(), NextEvent(true));
    if (!waiting_.empty())
      clock_sleeps_until_ = std::min(clock_sleeps_until_, waiting_moved_ + kStalled);
    clock_wake_.wait_until(lock, Steady(clock_sleeps_until_));
    clock_sleeps_until_ = Time{};
  }
}

}  // namespace afterleak::internal
