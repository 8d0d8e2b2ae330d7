// See loop_under_test.h.
#pragma once

#include <event2/event.h>
#include <event2/thread.h>

#include <deque>
#include <functional>
#include <utility>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Libevent : public LoopUnderTest {
 public:
  Libevent() {
    evthread_use_pthreads();
    base_ = event_base_new();
  }
  ~Libevent() override {
    for (event* each : events_) event_free(each);
    event_base_free(base_);
  }

  void Run() override { event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
  void Stop() override { event_base_loopbreak(base_); }
  void Every(Duration period, std::function<void()> tick) override {
    Add(-1, EV_PERSIST, &period, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    last_ = Add(-1, 0, &delay, std::move(then));
  }
  void Cancel() override {
    if (last_ != nullptr) event_del(last_);
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    Add(descriptor, EV_READ | EV_PERSIST, nullptr, std::move(ready));
  }
  void OnSignal(int signal, std::function<void()> caught) override {
    Add(signal, EV_SIGNAL | EV_PERSIST, nullptr, std::move(caught));
  }

 private:
  event* Add(int descriptor, short what, const Duration* timeout, std::function<void()> then) {
    auto* const callback = &callbacks_.emplace_back(std::move(then));
    event* const made = event_new(
        base_, descriptor, what,
        [](int, short, void* call) { (*static_cast<std::function<void()>*>(call))(); }, callback);
    timeval span{};
    if (timeout != nullptr) {
      const auto micros = *timeout / std::chrono::microseconds(1);
      span = {.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
    }
    event_add(made, timeout != nullptr ? &span : nullptr);
    events_.push_back(made);
    return made;
  }

  event_base* base_;
  event* last_ = nullptr;
  std::deque<event*> events_;
  std::deque<std::function<void()>> callbacks_;
};

}  // namespace afterleak::loops
