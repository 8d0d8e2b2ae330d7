#include "afterleak/go/signal.h"

#include <unistd.h>

#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"
#include "afterleak/census/site.h"
#include "afterleak/go/select.h"
#include "afterleak/go/signal_kernel.h"

namespace afterleak {

const TimerKind signal::kNotify{
    .name = "signal::Notify", .rooted = true, .cure = "call signal::Stop on every way out"};

namespace internal {
namespace {

// Who is registered in one bubble. A real bubble's registry stands between the kernel
// and the channels.
class SignalRegistry {
 public:
  explicit SignalRegistry(Runtime& runtime) : runtime_(runtime) {}
  ~SignalRegistry() {
    if (kernel_ != nullptr) kernel_->Want(this, {}, {});
  }

  // Null if nothing has asked for it yet.
  static SignalRegistry* Find(Runtime& runtime) {
    const Lock lock(runtime.mutex());
    return static_cast<SignalRegistry*>(runtime.signals().get());
  }

  static SignalRegistry& Of(Runtime& runtime) {
    const Lock lock(runtime.mutex());
    if (runtime.signals() == nullptr) {
      const heap::Scope::Suspend suspend;
      runtime.signals() = std::make_shared<SignalRegistry>(runtime);
    }
    return *static_cast<SignalRegistry*>(runtime.signals().get());
  }

  void Notify(const Chan<os::Signal>& chan, const SignalSet& signals, const Site& site) {
    const std::lock_guard configure(configure_);
    std::list<Entry> fresh;
    SignalSet added;
    {
      const Lock lock(runtime_.mutex());
      auto entry = entries_.begin();
      while (entry != entries_.end() && entry->chan != chan) ++entry;
      if (entry == entries_.end()) {
        // A list's node, and the channel, which it keeps.
        const auto bytes =
            static_cast<std::uint32_t>(sizeof(Entry) + 2 * sizeof(void*) + chan.core()->bytes());
        fresh.push_back({chan, {}, 0});  // if this throws, nothing has been counted
        fresh.front().ticket =
            runtime_.census().Arm(signal::kNotify, site, bytes, runtime_.Now(), Time::max());
        entry = fresh.begin();
        entries_.splice(entries_.end(), fresh);
      }
      added = signals & ~entry->wanted;
      entry->wanted |= signals;
      ignored_ &= ~signals;
    }
    try {
      TellKernel();
    } catch (...) {  // no memory or no thread: then it has not happened
      Remove(chan, added);
      throw;
    }
    if (is_real())
      kernel().Ignore(signals,
                      false);  // only now: otherwise the default action would be in place briefly
  }

  // Takes the signals off the channel, or off all channels (nil). The kernel comes first: signals
  // it has caught by then are still delivered.
  void Forget(const Chan<os::Signal>& chan, const SignalSet& signals) {
    const std::lock_guard configure(configure_);
    TellKernel(chan, signals);
    Remove(chan, signals);
  }

  void Ignore(const SignalSet& signals, bool ignore) {
    if (is_real()) return kernel().Ignore(signals, ignore);
    const Lock lock(runtime_.mutex());
    ignored_ = ignore ? ignored_ | signals : ignored_ & ~signals;
  }

  signal::Disposition Meets(int signal) {
    const auto bit = static_cast<std::size_t>(signal);
    if (is_real()) {
      return kernel().Caught(signal)    ? signal::Disposition::kNotified
             : kernel().Ignored(signal) ? signal::Disposition::kIgnored
                                        : signal::Disposition::kDefault;
    }
    const Lock lock(runtime_.mutex());
    for (const Entry& entry : entries_) {
      if (entry.wanted[bit]) return signal::Disposition::kNotified;
    }
    return ignored_[bit] ? signal::Disposition::kIgnored : signal::Disposition::kDefault;
  }

  void Deliver(int signal) {
    const Lock lock(runtime_.mutex());
    for (const Entry& entry : entries_) {
      os::Signal value = signal;
      if (entry.wanted[static_cast<std::size_t>(signal)]) TrySendLocked(*entry.chan.core(), &value);
    }
  }

  // The same for the kernel, which nobody called: a panic fails the bubble.
  // Once it is told, the exception is the bubble's alone: this thread has let go of it.
  void DeliverCaught(int signal) {
    std::exception_ptr failure;
    try {
      return Deliver(signal);
    } catch (...) {
      failure = runtime_.Caught();
    }
    const Lock lock(runtime_.mutex());
    runtime_.Fail(std::move(failure));
  }

  bool is_real() const { return runtime_.options().clock == ClockKind::kReal; }

 private:
  struct Entry {
    Chan<os::Signal> chan;
    SignalSet wanted;
    Census::Ticket ticket;
  };

  // Throws std::bad_alloc if it does not exist and cannot be made.
  SignalKernel& kernel() {
    std::call_once(kernel_once_, [this] {
      const heap::Scope::Suspend suspend;
      kernel_ = SignalKernel::Get();
    });
    return *kernel_;
  }

  void Remove(const Chan<os::Signal>& chan, const SignalSet& signals) {
    std::list<Entry> gone;  // its channels may go with it, which takes the lock
    const Lock lock(runtime_.mutex());
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto next = std::next(entry);
      if (chan.IsNil() || entry->chan == chan) {
        entry->wanted &= ~signals;
        if (entry->wanted.none()) {
          runtime_.census().Stop(entry->ticket);
          gone.splice(gone.end(), entries_, entry);
        }
      }
      entry = next;
    }
  }

  // Tells the kernel what all entries want, except for what is about to be forgotten.
  void TellKernel(const Chan<os::Signal>& chan = {}, const SignalSet& but = {}) {
    if (!is_real()) return;
    SignalSet wanted;
    {
      const Lock lock(runtime_.mutex());
      for (const Entry& entry : entries_)
        wanted |= chan.IsNil() || entry.chan == chan ? entry.wanted & ~but : entry.wanted;
    }
    const heap::Scope::Suspend suspend;
    kernel().Want(this, wanted, [this](int signal) { DeliverCaught(signal); });
  }

  Runtime& runtime_;
  std::mutex configure_;  // taken before the kernel's lock, which is taken before the bubble's
  std::list<Entry> entries_;
  SignalSet ignored_;  // of a virtual bubble
  std::once_flag kernel_once_;
  std::shared_ptr<SignalKernel> kernel_;
};

bool IsNumber(os::Signal signal) {
  return signal >= 1 && signal < static_cast<int>(SignalSet().size());
}

// Those that exist and can be caught, as in Go.
SignalSet SetOf(const signal::Signals& signals) {
  if (signals.empty()) return SignalKernel::Catchable() & ~SignalKernel::Faults();
  SignalSet set;
  for (const os::Signal signal : signals) {
    if (IsNumber(signal)) set.set(static_cast<std::size_t>(signal));
  }
  return set & SignalKernel::Catchable();
}

SignalRegistry& Registry() { return SignalRegistry::Of(Runtime::Current()); }

}  // namespace
}  // namespace internal

namespace signal {

using internal::SignalRegistry;

void Notify(const Chan<os::Signal>& chan, const Signals& signals, std::source_location site) {
  if (chan.IsNil()) throw Panic("os/signal: Notify using nil channel");
  SignalRegistry::Of(chan.core()->runtime()).Notify(chan, internal::SetOf(signals), site);
}

void Stop(const Chan<os::Signal>& chan) {
  if (chan.IsNil()) return;
  // An existing registry has all that it needs: a deferred Stop must not throw.
  SignalRegistry* registry = SignalRegistry::Find(chan.core()->runtime());
  if (registry != nullptr) registry->Forget(chan, ~internal::SignalSet());
}

void Reset(const Signals& signals) { internal::Registry().Forget({}, internal::SetOf(signals)); }

void Ignore(const Signals& signals) {
  internal::Registry().Ignore(internal::SetOf(signals), true);
  Reset(signals);
}

bool Ignored(os::Signal signal) {
  return internal::IsNumber(signal) && DispositionOf(signal) == Disposition::kIgnored;
}

std::pair<context::Context, std::function<void()>> NotifyContext(const context::Context& parent,
                                                                 const Signals& signals,
                                                                 std::source_location site) {
  auto [ctx, cancel] = context::WithCancel(parent, site);
  const auto arrived = MakeChan<os::Signal>(1);
  std::function<void()> stop = [arrived, cancel] {
    cancel();
    Stop(arrived);
  };
  Notify(arrived, signals, site);
  if (ctx.Err() == context::Error::kNone) {
    try {
      Go(
          [arrived, ctx, cancel] {
            if (Select({Recv(arrived), Recv(ctx.Done())}) == 0) cancel();
          },
          site);
    } catch (...) {
      stop();
      throw;
    }
  }
  return {ctx, std::move(stop)};
}

Disposition DispositionOf(os::Signal signal) {
  if (!internal::IsNumber(signal)) throw std::invalid_argument("not a signal number");
  return internal::Registry().Meets(signal);
}

Disposition Raise(os::Signal signal) {
  const Disposition met = DispositionOf(signal);
  SignalRegistry& registry = internal::Registry();
  if (registry.is_real()) {
    ::kill(::getpid(), signal);
  } else {
    registry.Deliver(signal);
  }
  return met;
}

}  // namespace signal
}  // namespace afterleak
