// See loop_under_test.h.
#pragma once

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class SdEvent : public LoopUnderTest {
 public:
  SdEvent() : stop_(eventfd(0, EFD_CLOEXEC)) {
    Must(sd_event_new(&event_) >= 0);
    OnReadable(stop_, [this] { sd_event_exit(event_, 0); });
  }
  ~SdEvent() override {
    for (Source& source : sources_) sd_event_source_unref(source.source);
    sd_event_unref(event_);
    close(stop_);
    if (blocked_) pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  void Run() override { Must(sd_event_loop(event_) >= 0); }
  void Stop() override {
    const std::uint64_t one = 1;
    Must(write(stop_, &one, sizeof one) == static_cast<ssize_t>(sizeof one));
  }
  void Every(Duration period, std::function<void()> tick) override {
    AddTimer(period, period, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    last_ = AddTimer(delay, {}, std::move(then));
  }
  void Cancel() override {
    if (last_ != nullptr) sd_event_source_set_enabled(last_, SD_EVENT_OFF);
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    Source& added = Keep(std::move(ready));
    Must(sd_event_add_io(
             event_, &added.source, descriptor, EPOLLIN,
             [](sd_event_source*, int, std::uint32_t, void* self) { return Call(self); },
             &added) >= 0);
  }
  // The signal has to be blocked in each thread: the others begin later.
  void OnSignal(int signal, std::function<void()> caught) override {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, signal);
    Must(pthread_sigmask(SIG_BLOCK, &signals, &mask_before_) == 0);
    blocked_ = true;
    Source& added = Keep(std::move(caught));
    Must(sd_event_add_signal(
             event_, &added.source, signal,
             [](sd_event_source*, const signalfd_siginfo*, void* self) { return Call(self); },
             &added) >= 0);
  }

 private:
  struct Source {
    std::function<void()> call;
    std::uint64_t period = 0;  // in us; 0: once
    sd_event_source* source = nullptr;
  };

  static int Call(void* source) {
    static_cast<Source*>(source)->call();
    return 0;
  }
  static int Fire(sd_event_source* source, std::uint64_t due, void* data) {
    const auto* const self = static_cast<Source*>(data);
    if (self->period != 0) {
      Must(sd_event_source_set_time(source, due + self->period) >= 0);
      Must(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0);
    }
    return Call(data);
  }
  Source& Keep(std::function<void()> call) { return sources_.emplace_back(std::move(call)); }
  static std::uint64_t Microseconds(Duration duration) {
    return static_cast<std::uint64_t>(duration / std::chrono::microseconds(1));
  }
  sd_event_source* AddTimer(Duration delay, Duration period, std::function<void()> call) {
    constexpr std::uint64_t kExactly = 1;  // 0 is a quarter of a second
    Source& added = Keep(std::move(call));
    added.period = Microseconds(period);
    Must(sd_event_add_time_relative(event_, &added.source, CLOCK_MONOTONIC, Microseconds(delay),
                                    kExactly, &Fire, &added) >= 0);
    return added.source;
  }

  sd_event* event_ = nullptr;
  const int stop_;
  sd_event_source* last_ = nullptr;
  std::deque<Source> sources_;
  bool blocked_ = false;
  sigset_t mask_before_;
};

}  // namespace afterleak::loops
