// See loop_under_test.h.
#pragma once

#include <asio.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Asio : public LoopUnderTest {
 public:
  ~Asio() override {
    if (readable_) readable_->release();
  }

  void Run() override {
    const auto work = asio::make_work_guard(context_);
    context_.run();
  }
  void Stop() override { context_.stop(); }
  void Every(Duration period, std::function<void()> tick) override {
    auto timer = std::make_shared<asio::steady_timer>(context_, period);
    Tick(timer, period, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    auto timer = std::make_shared<asio::steady_timer>(context_, delay);
    timer->async_wait([timer, then = std::move(then)](asio::error_code error) {
      if (!error) then();
    });
    last_ = timer;
  }
  void Cancel() override {
    if (const auto timer = last_.lock()) timer->cancel();
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    readable_.emplace(context_, descriptor);
    WaitReadable(std::move(ready));
  }
  void OnSignal(int signal, std::function<void()> caught) override {
    signals_.emplace(context_, signal);
    WaitSignal(std::move(caught));
  }

 private:
  static void Tick(const std::shared_ptr<asio::steady_timer>& timer, Duration period,
                   std::function<void()> tick) {
    timer->async_wait([timer, period, tick = std::move(tick)](asio::error_code error) {
      if (error) return;
      tick();
      timer->expires_at(timer->expiry() + period);
      Tick(timer, period, tick);
    });
  }
  void WaitReadable(std::function<void()> ready) {
    readable_->async_wait(asio::posix::descriptor_base::wait_read,
                          [this, ready = std::move(ready)](asio::error_code error) {
                            if (error) return;
                            ready();
                            WaitReadable(ready);
                          });
  }
  void WaitSignal(std::function<void()> caught) {
    signals_->async_wait([this, caught = std::move(caught)](asio::error_code error, int) {
      if (error) return;
      caught();
      WaitSignal(caught);
    });
  }

  asio::io_context context_;
  std::weak_ptr<asio::steady_timer> last_;
  std::optional<asio::posix::stream_descriptor> readable_;
  std::optional<asio::signal_set> signals_;
};

}  // namespace afterleak::loops
