// The kernel's side of signals: handlers, and the thread that passes what they caught to the owners
// that want it.
//
// Behind signal.h. A signal handler may do next to nothing, so it sets a bit and posts a semaphore
// that a thread waits for. As in Go (runtime/sigqueue.go), a signal that arrives again before the
// first one was taken counts once.
#pragma once

#include <array>
#include <bitset>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "afterleak/version.h"

namespace afterleak::internal {

// Bit n stands for signal n.
using SignalSet = std::bitset<65>;

// One for the process, because handlers belong to the process. Its users keep it alive.
// It is thread-safe.
class SignalKernel {
 public:
  // Receives a signal that `owner` wants. Called with the kernel's lock held, usually
  // on its thread.
  using Sink = std::function<void(int signal)>;

  static std::shared_ptr<SignalKernel> Get();
  ~SignalKernel();

  // All signals that Go passes on to those who ask for them by name.
  static SignalSet Catchable();

  // Those of them that mean that the program itself is broken, unless they come from outside.
  static SignalSet Faults();

  // From now on `owner` receives `wanted` and nothing else; what was caught until then has
  // been delivered. A signal that no owner wants any more gets its original action back.
  // Throws std::bad_alloc or std::system_error, and changes nothing, if there is no memory or
  // thread for `wanted`.
  void Want(const void* owner, const SignalSet& wanted, Sink sink);

  // Makes the process ignore signals, or stop ignoring them.
  void Ignore(const SignalSet& signals, bool ignore);

  bool Caught(int signal);
  bool Ignored(int signal);

 private:
  struct Owner {
    SignalSet wanted;
    Sink sink;
  };

  SignalKernel() = default;
  void DeliverLocked();
  void ApplyLocked();
  void StartLocked();
  void Loop();

  std::mutex mutex_;
  std::map<const void*, Owner> owners_;
  SignalSet caught_;
  SignalSet ignored_;
  SignalSet touched_;  // our action is in place, and the original one is in before_
  std::array<struct sigaction, 65> before_{};
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace afterleak::internal
