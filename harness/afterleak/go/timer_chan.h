// TimerChan: a timer and its channel in one heap block.
//
// Behind time.h. In Go, the run-time's timer queue refers to the timer, and the timer to its
// channel; only the garbage collector knows whether anybody could still receive. Here handles are
// counted, so the moment when the last one goes is known exactly.
//
//   handles > 0, pending    live
//   handles = 0, pending    go122: live and abandoned (rooted: just live)
//                           go123: does not exist; it is collected
//   handles > 0, idle       fired or stopped; may be Reset
//   handles = 0, idle       does not exist: deleted by the code that brings this about
#pragma once

#include <cstdint>

#include "afterleak/bubble/runtime.h"
#include "afterleak/census/census.h"
#include "afterleak/census/site.h"
#include "afterleak/go/callback.h"
#include "afterleak/go/chan_core.h"

namespace afterleak::internal {

class TimerChan final : public ChanCore, private Alarm {
 public:
  // Armed, in the current bubble. `period` 0: fires once. With a callback, nothing is sent.
  static Ref<ChanCore> Arm(const TimerKind& kind, Duration delay, Duration period, const Site& site,
                           Ref<Callback> callback = {});

  bool Stop();
  bool Reset(Duration delay, Duration period, const Site& site);
  std::size_t bytes() const override { return sizeof(TimerChan); }
  bool HasCallback() const { return static_cast<bool>(callback_); }

 private:
  TimerChan(Runtime& runtime, const TimerKind& kind, Ref<Callback> callback);
  ~TimerChan() override = default;

  void Start(Duration delay, const Site& site);
  bool End();

  void Fire(Runtime& runtime, Lock& lock) override;
  void Drop(Lock& lock) override;
  void LastHandleGone() override;
  void SendIfDue(Lock& lock) override;
  void PutBuffer(void* from) override { value_ = *static_cast<Time*>(from); }
  void TakeBuffer(void* to) override { *static_cast<Time*>(to) = value_; }
  void Hand(void* from, void* to) override { *static_cast<Time*>(to) = *static_cast<Time*>(from); }

  const TimerKind& kind_;
  const Ref<Callback> callback_;
  Duration period_{};
  Time value_{};  // what is in the channel, when something is
  Census::Ticket ticket_ = 0;
  // The last handle went while this was pending. Not the same as a count of 0: between that and the
  // lock there is a moment in which both a handle's owner and the queue know the timer.
  bool orphan_ = false;
};

static_assert(sizeof(TimerChan) <= 128);

}  // namespace afterleak::internal
