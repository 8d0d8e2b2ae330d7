// An event loop as tests and benchmarks of virtual time use it. Each library has a header with one.
#pragma once

#include <cstdlib>
#include <functional>

#include "afterleak/census/clock.h"

namespace afterleak::loops {

// An event loop, made and used inside of a bubble. Only Stop is called from other threads.
class LoopUnderTest {
 public:
  virtual ~LoopUnderTest() = default;
  virtual void Run() = 0;  // until Stop
  virtual void Stop() = 0;
  virtual void Every(Duration period, std::function<void()> tick) = 0;
  virtual void After(Duration delay, std::function<void()> then) = 0;
  virtual void Cancel() = 0;  // the last After
  virtual void OnReadable(int descriptor, std::function<void()> ready) = 0;
  virtual void OnSignal(int signal, std::function<void()> caught) = 0;
  virtual Duration slack() const { return {}; }  // how late it fires
  static constexpr bool kOneAtATime = false;     // there is one of it in the process
};

// What a library cannot refuse.
inline void Must(bool done) {
  if (!done) std::abort();
}

}  // namespace afterleak::loops
