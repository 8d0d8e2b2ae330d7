// Go's package time: timers, tickers, sleeping.
//
//   switch (Select({Recv(messages, &message), Recv(time::After(3s))})) { ... }   // the leak
//   time::ScopedTimer timer(3s);                                                // the fix
//   switch (Select({Recv(messages, &message), Recv(timer.C())})) { ... }
//
// Semantics are those of Go's time/sleep.go and time/tick.go: in timer mode go122 those of
// Go up to 1.22, in go123 those of Go 1.23 (its release notes, "Timer changes"). Where they differ,
// this header says so. Delays below zero count as zero; the largest Duration never fires.
//
// Every call that arms a timer takes the line it stands in, for the census. One timer is one heap
// block of at most 160 bytes (a callback has its own besides). Everything is thread-safe; arming,
// stopping and firing cost O(1) however many timers are pending.
//
// Handles (Timer, Ticker, a channel) are counted. When the last one goes while the timer is
// pending, nobody can hear it any more: in go122 it stays until its deadline, and the census calls
// it abandoned; in go123 it is collected at once. Callbacks are rooted: AfterFunc keeps its timer
// whoever holds it.
#pragma once

#include <functional>
#include <source_location>
#include <utility>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/go/chan.h"

namespace afterleak {

namespace time {

// The instant on the clock of the current bubble.
Time Now();

// Now() - instant.
Duration Since(Time instant);

// Blocks the calling goroutine for at least `delay`. A sleeper is no timer: no census shows it.
void Sleep(Duration delay, std::source_location site = std::source_location::current());

// A channel that receives the time after `delay`. There is nothing to stop it with: that is its
// trap.
Chan<Time> After(Duration delay, std::source_location site = std::source_location::current());

// The channel of a ticker that nothing can stop; nil when `period` is not above zero.
Chan<Time> Tick(Duration period, std::source_location site = std::source_location::current());

// One event in the future. A handle: copies name the same timer.
class Timer {
 public:
  // No timer: as a nil *Timer in Go, not to be used until one is assigned.
  Timer() = default;

  // Holds the time of expiry when the timer has fired. Nil for AfterFunc.
  Chan<Time> C() const;

  // Ends the timer; whether it was active. Does not close C. In go122 a value that is already in C
  // stays there; in go123 it is taken back, and the answer is true. Does not wait for a callback
  // that runs.
  bool Stop() const;

  // Stops the timer and arms it again; returns what Stop would.
  bool Reset(Duration delay, std::source_location site = std::source_location::current()) const;

 private:
  friend Timer NewTimer(Duration delay, std::source_location site);
  friend Timer AfterFunc(Duration delay, std::function<void()> callback, std::source_location site);
  explicit Timer(internal::Ref<internal::ChanCore> timer) : timer_(std::move(timer)) {}
  internal::Ref<internal::ChanCore> timer_;  // a TimerChan
};

// A timer that sends the time on its channel after `delay`.
Timer NewTimer(Duration delay, std::source_location site = std::source_location::current());

// Runs `callback` in a goroutine of its own after `delay`. A callback that holds this very Timer is
// a cycle, which Go's collector would find and counted handles do not: it is never freed.
Timer AfterFunc(Duration delay, std::function<void()> callback,
                std::source_location site = std::source_location::current());

// Sends the time every `period`, in phase; a tick that finds the last one unread is dropped. A
// handle, as Timer is.
class Ticker {
 public:
  Ticker() = default;

  Chan<Time> C() const;

  // No more ticks. Does not close C.
  void Stop() const;

  // Stops, and ticks every `period` from now. Panics unless that is above zero.
  void Reset(Duration period, std::source_location site = std::source_location::current()) const;

 private:
  friend Ticker NewTicker(Duration period, std::source_location site);
  explicit Ticker(internal::Ref<internal::ChanCore> timer) : timer_(std::move(timer)) {}
  internal::Ref<internal::ChanCore> timer_;  // a TimerChan
};

// Panics unless `period` is above zero.
Ticker NewTicker(Duration period, std::source_location site = std::source_location::current());

// NewTimer and a deferred Stop in one: the timer goes when the scope is left, on every path.
class ScopedTimer {
 public:
  explicit ScopedTimer(Duration delay, std::source_location site = std::source_location::current())
      : timer_(NewTimer(delay, site)) {}
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;
  ~ScopedTimer() { timer_.Stop(); }

  Chan<Time> C() const { return timer_.C(); }
  bool Stop() const { return timer_.Stop(); }
  bool Reset(Duration delay, std::source_location site = std::source_location::current()) const {
    return timer_.Reset(delay, site);
  }

 private:
  const Timer timer_;
};

// The same for a ticker.
class ScopedTicker {
 public:
  explicit ScopedTicker(Duration period,
                        std::source_location site = std::source_location::current())
      : ticker_(NewTicker(period, site)) {}
  ScopedTicker(const ScopedTicker&) = delete;
  ScopedTicker& operator=(const ScopedTicker&) = delete;
  ~ScopedTicker() { ticker_.Stop(); }

  Chan<Time> C() const { return ticker_.C(); }

 private:
  const Ticker ticker_;
};

}  // namespace time

// The kinds of timer that this layer arms, as a census names them.
extern const TimerKind kAfter;
extern const TimerKind kTimer;
extern const TimerKind kAfterFunc;
extern const TimerKind kTick;
extern const TimerKind kTicker;

}  // namespace afterleak
