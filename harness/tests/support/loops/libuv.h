// See loop_under_test.h.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <utility>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Libuv : public LoopUnderTest {
 public:
  Libuv() {
    uv_loop_init(&loop_);
    uv_async_init(&loop_, &stop_, [](uv_async_t* stop) { uv_stop(stop->loop); });
  }
  ~Libuv() override {
    uv_walk(&loop_, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    Must(uv_loop_close(&loop_) == 0);
  }

  void Run() override { uv_run(&loop_, UV_RUN_DEFAULT); }
  void Stop() override { uv_async_send(&stop_); }
  void Every(Duration period, std::function<void()> tick) override {
    const auto span = static_cast<std::uint64_t>(period / std::chrono::milliseconds(1));
    StartTimer(span, span, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    last_ = StartTimer(static_cast<std::uint64_t>(delay / std::chrono::milliseconds(1)), 0,
                       std::move(then));
  }
  void Cancel() override {
    if (last_ != nullptr) uv_timer_stop(last_);
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    uv_poll_init(&loop_, &polled_, descriptor);
    polled_.data = Keep(std::move(ready));
    uv_poll_start(&polled_, UV_READABLE, [](uv_poll_t* polled, int, int) { Call(polled->data); });
  }
  void OnSignal(int signal, std::function<void()> caught) override {
    uv_signal_init(&loop_, &signal_);
    signal_.data = Keep(std::move(caught));
    uv_signal_start(&signal_, [](uv_signal_t* seen, int) { Call(seen->data); }, signal);
  }

  uv_loop_t* loop() { return &loop_; }

 private:
  static void Call(void* callback) { (*static_cast<std::function<void()>*>(callback))(); }
  void* Keep(std::function<void()> callback) {
    return &callbacks_.emplace_back(std::move(callback));
  }
  uv_timer_t* StartTimer(std::uint64_t timeout, std::uint64_t repeat, std::function<void()> then) {
    uv_timer_t* const timer = &timers_.emplace_back();
    uv_timer_init(&loop_, timer);
    timer->data = Keep(std::move(then));
    uv_timer_start(timer, [](uv_timer_t* fired) { Call(fired->data); }, timeout, repeat);
    return timer;
  }

  uv_loop_t loop_;
  uv_async_t stop_;
  uv_poll_t polled_;
  uv_signal_t signal_;
  uv_timer_t* last_ = nullptr;
  std::deque<uv_timer_t> timers_;
  std::deque<std::function<void()>> callbacks_;
};

}  // namespace afterleak::loops
