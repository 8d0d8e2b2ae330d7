// See loop_under_test.h.
#pragma once

#include <ev.h>

#include <deque>
#include <functional>
#include <utility>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Libev : public LoopUnderTest {
 public:
  static constexpr bool kOneAtATime = true;

  // Signals need the default loop.
  Libev() : loop_(ev_default_loop(EVFLAG_AUTO)) {
    ev_async_init(&stop_,
                  [](struct ev_loop* loop, ev_async*, int) { ev_break(loop, EVBREAK_ALL); });
    ev_async_start(loop_, &stop_);
    ev_signal_init(&signal_, &Call<ev_signal>, SIGUSR1);
    ev_now_update(loop_);
  }
  ~Libev() override {
    ev_signal_stop(loop_, &signal_);  // the library keeps it beyond the loop
    ev_loop_destroy(loop_);
  }

  void Run() override { ev_run(loop_, 0); }
  void Stop() override { ev_async_send(loop_, &stop_); }
  void Every(Duration period, std::function<void()> tick) override {
    StartTimer(period, period, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    last_ = StartTimer(delay, {}, std::move(then));
  }
  void Cancel() override {
    if (last_ != nullptr) ev_timer_stop(loop_, last_);
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    polled_.data = Keep(std::move(ready));
    ev_io_init(&polled_, &Call<ev_io>, descriptor, EV_READ);
    ev_io_start(loop_, &polled_);
  }
  void OnSignal(int signal, std::function<void()> caught) override {
    signal_.data = Keep(std::move(caught));
    ev_signal_init(&signal_, &Call<ev_signal>, signal);
    ev_signal_start(loop_, &signal_);
  }
  Duration slack() const override { return std::chrono::milliseconds(1); }

 private:
  template <typename Watcher>
  static void Call(struct ev_loop*, Watcher* watcher, int) {
    (*static_cast<std::function<void()>*>(watcher->data))();
  }
  void* Keep(std::function<void()> callback) {
    return &callbacks_.emplace_back(std::move(callback));
  }
  ev_timer* StartTimer(Duration delay, Duration repeat, std::function<void()> then) {
    ev_timer* const timer = &timers_.emplace_back();
    timer->data = Keep(std::move(then));
    ev_timer_init(timer, &Call<ev_timer>, std::chrono::duration<double>(delay).count(),
                  std::chrono::duration<double>(repeat).count());
    ev_timer_start(loop_, timer);
    return timer;
  }

  struct ev_loop* const loop_;
  ev_async stop_;
  ev_io polled_;
  ev_signal signal_;
  ev_timer* last_ = nullptr;
  std::deque<ev_timer> timers_;
  std::deque<std::function<void()>> callbacks_;
};

}  // namespace afterleak::loops
