// One piece of work every `gap`, on the program's own io_context.
#pragma once
#include <asio.hpp>
#include <chrono>
#include <functional>

#include "truth.h"
struct Load {
  asio::steady_timer timer;
  std::chrono::milliseconds gap;
  std::function<void()> work, finish;
  void Next() {
    timer.expires_after(gap);
    timer.async_wait([this](asio::error_code error) {
      if (error) return;
      int step = T_step();
      if (step > 0) work();
      if (step < 0) return finish();
      Next();
    });
  }
};
