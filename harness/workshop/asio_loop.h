// The place of the exercises on Asio.
#pragma once

#include <asio.hpp>

#include "workshop/on_loop.h"

namespace workshop {

class AsioLoop final : public LoopInPlace {
 public:
  AsioLoop() { current_ = this; }
  ~AsioLoop() override { current_ = nullptr; }

  void Run() override {
    loop_.restart();
    const auto work = asio::make_work_guard(loop_);
    loop_.run();
  }
  void Stop() override { loop_.stop(); }

  // That of the part in progress.
  static asio::io_context& Current() { return current_->loop_; }

 private:
  static inline AsioLoop* current_ = nullptr;
  asio::io_context loop_;
};

}  // namespace workshop
