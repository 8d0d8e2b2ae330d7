// A handler that runs at any point of the work of a thread.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <thread>

namespace afterleak::test {

// While it lives, SIGUSR1 interrupts the thread that made it, and `act` runs: one signal at a time,
// or the thread would do nothing else.
class SignalStorm {
 public:
  explicit SignalStorm(void (*act)()) {
    act_ = act;
    struct sigaction action{};
    action.sa_handler = [](int) {
      const int error = errno;
      act_();
      ++handled_;
      errno = error;
    };
    sigaction(SIGUSR1, &action, &before_);
    sender_ = std::thread([this, to = pthread_self()] {
      while (!over_) {
        const int seen = handled_;
        pthread_kill(to, SIGUSR1);
        while (handled_ == seen && !over_) std::this_thread::yield();
      }
    });
  }
  ~SignalStorm() {
    over_ = true;
    sender_.join();
    sigaction(SIGUSR1, &before_, nullptr);
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;

 private:
  static inline void (*act_)() = nullptr;
  static inline std::atomic<int> handled_ = 0;
  std::atomic<bool> over_ = false;
  struct sigaction before_{};
  std::thread sender_;
};

}  // namespace afterleak::test
