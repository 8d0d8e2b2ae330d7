#include "afterleak/go/signal_kernel.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "afterleak/heap/heap.h"

namespace afterleak::internal {
namespace {

// All that a handler touches: lock-free atomics and a semaphore, which POSIX allows in one.
std::atomic<std::uint64_t> pending{0};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
sem_t arrived;

void Handle(int signal) {
  const int saved = errno;
  pending.fetch_or(std::uint64_t{1} << (signal - 1), std::memory_order_relaxed);
  sem_post(&arrived);
  errno = saved;
}

// For the calling thread, while this lives.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

std::shared_ptr<SignalKernel> SignalKernel::Get() {
  static std::shared_ptr<SignalKernel> kernel = [] {
    sem_init(&arrived, 0, 0);
    return std::shared_ptr<SignalKernel>(new SignalKernel);
  }();
  return kernel;
}

SignalKernel::~SignalKernel() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  sem_post(&arrived);
  if (thread_.joinable()) thread_.join();
}

SignalSet SignalKernel::Catchable() {
  SignalSet all;
  for (int s = 1; s <= SIGRTMAX; ++s) all[static_cast<std::size_t>(s)] = s < 32 || s >= SIGRTMIN;
  for (const int s : {SIGKILL, SIGSTOP, SIGPROF}) all.reset(static_cast<std::size_t>(s));
  return all;
}

SignalSet SignalKernel::Faults() {
  SignalSet faults;
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSTKFLT, SIGSYS})
    faults.set(static_cast<std::size_t>(s));
  return faults;
}

void SignalKernel::Want(const void* owner, const SignalSet& wanted, Sink sink) {
  const std::lock_guard lock(mutex_);
  if (wanted.none() && !owners_.contains(owner)) return;
  if (wanted.any()) StartLocked();
  Owner& entry = owners_[owner];
  const SignalSet before = std::exchange(entry.wanted, wanted);
  if (sink != nullptr) entry.sink = std::move(sink);
  ApplyLocked();
  entry.wanted |= before;  // what has been caught until now
  DeliverLocked();
  entry.wanted = wanted;
  if (wanted.none()) owners_.erase(owner);
}

void SignalKernel::Ignore(const SignalSet& signals, bool ignore) {
  const std::lock_guard lock(mutex_);
  ignored_ = ignore ? ignored_ | signals : ignored_ & ~signals;
  ApplyLocked();
}

bool SignalKernel::Caught(int signal) {
  const std::lock_guard lock(mutex_);
  return caught_[static_cast<std::size_t>(signal)];
}

bool SignalKernel::Ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void SignalKernel::ApplyLocked() {
  caught_.reset();
  for (const auto& [owner, entry] : owners_) caught_ |= entry.wanted;
  for (std::size_t s = 1; s < caught_.size(); ++s) {
    const int signal = static_cast<int>(s);
    if (caught_[s] || ignored_[s]) {
      struct sigaction action{};
      action.sa_handler = caught_[s] ? &Handle : SIG_IGN;
      action.sa_flags = SA_RESTART | SA_ONSTACK;
      sigfillset(&action.sa_mask);
      sigaction(signal, &action, touched_[s] ? nullptr : &before_[s]);
      touched_.set(s);
    } else if (touched_[s]) {
      sigaction(signal, &before_[s], nullptr);
      touched_.reset(s);
    }
  }
}

void SignalKernel::StartLocked() {
  if (thread_.joinable()) return;
  const heap::Scope::Suspend suspend;
  // The thread inherits this mask: signals go to the program's threads.
  const BlockSignals block;
  thread_ = std::thread([this] { Loop(); });
}

void SignalKernel::DeliverLocked() {
  const std::uint64_t taken = pending.exchange(0, std::memory_order_relaxed);
  for (int signal = 1; signal <= 64; ++signal) {
    if ((taken >> (signal - 1) & 1) == 0) continue;
    bool wanted = false;
    for (const auto& [owner, entry] : owners_) {
      if (!entry.wanted[static_cast<std::size_t>(signal)]) continue;
      wanted = true;
      entry.sink(signal);
    }
    // It was caught while the last owner that wanted it was leaving: send it to the action that
    // it has now.
    if (!wanted) kill(getpid(), signal);
  }
}

void SignalKernel::Loop() {
  for (;;) {
    while (sem_wait(&arrived) != 0) {
    }
    const std::lock_guard lock(mutex_);
    if (stops_) return;
    DeliverLocked();
  }
}

}  // namespace afterleak::internal
