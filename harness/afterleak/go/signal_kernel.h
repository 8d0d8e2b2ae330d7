// The kernel's side of signals: handlers, and the thread that takes what they caught to whoever
// wants it.
//
// Behind signal.h. A signal handler may do next to nothing, so it sets a bit and posts a
// semaphore; a thread waits for that. As in Go (runtime/sigqueue.go), a signal that arrives again
// before it was taken counts once.
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

// One for the process, kept by those who use it: handlers are the process's own business.
// Thread-safe.
class SignalKernel {
 public:
  // Receives a signal that `owner` wants. Called with the kernel's lock held, mostly on its thread.
  using Sink = std::function<void(int signal)>;

  static std::shared_ptr<SignalKernel> Get();
  ~SignalKernel();

  // All signals that can be caught and do not say that the program itself is broken.
  static SignalSet Catchable();

  // Has `owner` receive `wanted` from now on, and nothing else; what was caught until then has been
  // delivered. A signal that nobody wants any more gets back the action that it had at first.
  // Throws std::bad_alloc or std::system_error, and has changed nothing, where `wanted` needs
  // memory or the thread that are not to be had.
  void Want(const void* owner, const SignalSet& wanted, Sink sink);

  // Has signals ignored, or no longer.
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
  SignalSet touched_;  // our action is in place, and the first one in before_
  std::array<struct sigaction, 65> before_{};
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace afterleak::internal
