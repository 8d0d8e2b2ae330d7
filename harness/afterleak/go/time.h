// Go's package time: timers, tickers, sleeping.
//
//   switch (Select({Recv(messages, &message), Recv(time::After(3s))})) { ... }   // the leak
//   time::ScopedTimer timer(3s);                                                // the fix
//   switch (Select({Recv(messages, &message), Recv(timer.C())})) { ... }
//
// Semantics are those of Go's time/sleep.go and time/tick.go: up to Go 1.22 in timer mode go122,
// and of Go 1.23 in go123 (its release notes, "Timer changes"). Where they differ, this header says
// so. Negative delays count as zero; the largest Duration never fires.
//
// Every call that arms a timer takes the line where it stands, for the census. One timer is one
// heap block of 128 bytes (plus another for a callback). Everything is thread-safe; arming,
// stopping and firing are O(1) however many timers are pending.
//
// Handles (Timer, Ticker, a channel) are counted. If the last one goes while the timer is pending,
// nobody can hear it any more: in go122 it stays until its deadline, and the census calls it
// abandoned; in go123 it is collected at once. Callbacks are rooted: AfterFunc keeps its timer
// whether or not there is a handle.
//
// A timer of zero or less is due at once: it fires when its maker blocks or yields (Gosched), and
// in go123 also when somebody looks at its channel.
#pragma once

#include <concepts>
#include <source_location>
#include <utility>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/go/callback.h"
#include "afterleak/go/chan.h"

namespace afterleak {

namespace time {

// The current instant on the clock of the current bubble.
Time Now();

// Now() - instant.
Duration Since(Time instant);

// instant - Now().
Duration Until(Time instant);

// Blocks the calling goroutine for at least `delay`. A sleeper is not a timer: no census shows it.
void Sleep(Duration delay, std::source_location site = std::source_location::current());

// Returns a channel that receives the time after `delay`. It returns no handle, so the timer cannot
// be stopped. That is the leak.
[[nodiscard]] RecvChan<Time> After(Duration delay,
                                   std::source_location site = std::source_location::current());

// The channel of a ticker that nothing can stop; nil if `period` is not above zero.
[[nodiscard]] RecvChan<Time> Tick(Duration period,
                                  std::source_location site = std::source_location::current());

// One event in the future. A handle: copies name the same timer.
class Timer {
 public:
  // No timer, like Go's zero Timer: C is nil, Stop and Reset panic.
  Timer() = default;
  explicit operator bool() const { return static_cast<bool>(timer_); }

  // Receives the time of expiry when the timer fires. Nil for AfterFunc.
  RecvChan<Time> C() const;

  // Ends the timer and returns whether it was active. Does not close C. A value already in C
  // stays there in go122; in go123 it is taken back, and the answer is true. Does not wait for
  // a running callback.
  bool Stop() const;

  // Stops the timer and arms it again; returns what Stop would return.
  bool Reset(Duration delay, std::source_location site = std::source_location::current()) const;

 private:
  friend Timer NewTimer(Duration delay, std::source_location site);
  friend Timer AfterFunc(Duration delay, internal::Ref<internal::Callback> callback,
                         std::source_location site);
  explicit Timer(internal::Ref<internal::ChanCore> timer) : timer_(std::move(timer)) {}
  internal::Ref<internal::ChanCore> timer_;  // a TimerChan
};

// A timer that sends the time on its channel after `delay`.
[[nodiscard]] Timer NewTimer(Duration delay,
                             std::source_location site = std::source_location::current());

// Runs `callback` in a new goroutine after `delay`, and again after each Reset. What it allocates
// is charged to the heap scope of the caller. A callback that holds this very Timer is a cycle:
// Go's collector frees it once the timer has fired or been stopped. Counted handles cannot tell
// that nobody else may Reset it, so it stays until the bubble ends.
template <std::invocable Function>
Timer AfterFunc(Duration delay, Function callback,
                std::source_location site = std::source_location::current());

// Sends the time every `period`, in phase. A tick is dropped if the last one is still unread. Like
// Timer, a Ticker is a handle.
class Ticker {
 public:
  Ticker() = default;
  explicit operator bool() const { return static_cast<bool>(timer_); }

  RecvChan<Time> C() const;

  // Ends the ticks. Does not close C.
  void Stop() const;

  // Stops, and ticks every `period` from now. Panics unless `period` is above zero.
  void Reset(Duration period, std::source_location site = std::source_location::current()) const;

 private:
  friend Ticker NewTicker(Duration period, std::source_location site);
  explicit Ticker(internal::Ref<internal::ChanCore> timer) : timer_(std::move(timer)) {}
  internal::Ref<internal::ChanCore> timer_;  // a TimerChan
};

// Panics unless `period` is above zero.
[[nodiscard]] Ticker NewTicker(Duration period,
                               std::source_location site = std::source_location::current());

// A timer and a deferred Stop in one: the timer is stopped when the scope is left, on every path.
//   time::ScopedTimer limit(3s);                               // NewTimer
//   time::ScopedTimer warning(time::AfterFunc(3s, Complain));  // takes it over
class ScopedTimer {
 public:
  explicit ScopedTimer(Duration delay, std::source_location site = std::source_location::current())
      : timer_(NewTimer(delay, site)) {}
  explicit ScopedTimer(Timer timer) : timer_(std::move(timer)) {}
  ScopedTimer(ScopedTimer&&) = default;  // a moved-from one stops nothing
  ScopedTimer& operator=(ScopedTimer&& other) noexcept {
    std::swap(timer_, other.timer_);  // and other stops what was here
    return *this;
  }
  ~ScopedTimer() {
    if (timer_) timer_.Stop();
  }

  RecvChan<Time> C() const { return timer_.C(); }
  bool Stop() const { return timer_.Stop(); }
  bool Reset(Duration delay, std::source_location site = std::source_location::current()) const {
    return timer_.Reset(delay, site);
  }

 private:
  Timer timer_;
};

// The same for a ticker.
class ScopedTicker {
 public:
  explicit ScopedTicker(Duration period,
                        std::source_location site = std::source_location::current())
      : ticker_(NewTicker(period, site)) {}
  ScopedTicker(ScopedTicker&&) = default;
  ScopedTicker& operator=(ScopedTicker&& other) noexcept {
    std::swap(ticker_, other.ticker_);
    return *this;
  }
  ~ScopedTicker() { ticker_.Stop(); }

  RecvChan<Time> C() const { return ticker_.C(); }
  void Stop() const { ticker_.Stop(); }
  void Reset(Duration period, std::source_location site = std::source_location::current()) const {
    ticker_.Reset(period, site);
  }

 private:
  Ticker ticker_;
};

// ---- details

Timer AfterFunc(Duration delay, internal::Ref<internal::Callback> callback,
                std::source_location site);

template <std::invocable Function>
Timer AfterFunc(Duration delay, Function callback, std::source_location site) {
  return AfterFunc(delay, internal::MakeCallback(std::move(callback), site), site);
}

// The kinds of timer that this package arms, as a census names them.
extern const TimerKind kAfter;
extern const TimerKind kTimer;
extern const TimerKind kAfterFunc;
extern const TimerKind kTick;
extern const TimerKind kTicker;

}  // namespace time
}  // namespace afterleak
