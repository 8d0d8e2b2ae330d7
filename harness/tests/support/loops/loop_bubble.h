// What the tests of virtual time share: the time it is, why time did not move, and a pipe.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include "afterleak/loops/loop_bubble.h"

namespace afterleak::test {

inline Duration At(const loops::LoopBubble& bubble) { return bubble.Now().time_since_epoch(); }

// What moving time throws.
inline std::string WhyStuck(const std::function<void()>& moves_time) {
  try {
    moves_time();
  } catch (const loops::Stuck& stuck) {
    return stuck.what();
  }
  return "not stuck";
}
inline std::string WhyStuck(loops::LoopBubble& bubble, Duration span = std::chrono::seconds(10)) {
  return WhyStuck([&] { bubble.Advance(span); });
}

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    for (const int end : ends) close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void Write() const { EXPECT_EQ(write(ends[1], "x", 1), 1); }
  // In the kernel, without a deadline. False if a signal has ended it.
  bool Read() const {
    char byte;
    return read(ends[0], &byte, 1) == 1;
  }
  pollfd ToPoll() const { return {.fd = ends[0], .events = POLLIN, .revents = 0}; }
  int Poll(int timeout) const {
    pollfd polled = ToPoll();
    return poll(&polled, 1, timeout);
  }

  std::array<int, 2> ends{};
};

}  // namespace afterleak::test
