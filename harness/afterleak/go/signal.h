// Go's package os/signal: signals as values on channels.
//
//   auto signals = MakeChan<os::Signal>(1);
//   signal::Notify(signals, {SIGINT, SIGTERM});
//   Defer stop([&] { signal::Stop(signals); });
//   signals.Recv();
//
// Semantics are those of os/signal/signal.go: delivery never blocks, so a channel without
// room loses the signal; every channel gets its own copy; registering a channel twice gives it one
// copy; after the last Stop the action is what it was before the first Notify.
//
// In a real bubble signals are the kernel's: Notify installs a handler for the process, and all
// real bubbles get their copies. A virtual bubble is a process of its own, that the kernel knows
// nothing of: its signals come from Raise, at the instant it is called.
//
// A registration is rooted: it holds its channel until Stop or Reset ends it, and the census counts
// it as live. Thread-safe.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <source_location>
#include <utility>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/go/chan.h"
#include "afterleak/go/context.h"

namespace afterleak {

namespace os {
// A signal number, such as SIGINT.
using Signal = int;
}  // namespace os

namespace signal {

// A list of signals; an empty one stands for all that can be caught.
using Signals = std::vector<os::Signal>;

// Has `chan` receive the signals, beside those it was registered for before. Panics when it is nil.
void Notify(const Chan<os::Signal>& chan, const Signals& signals,
            std::source_location site = std::source_location::current());

// Ends what Notify did for `chan`. When Stop returns, chan receives no more; signals that had
// arrived before have been delivered.
void Stop(const Chan<os::Signal>& chan);

// Ends what Notify did for these signals, on all channels of the bubble. One that is ignored stays
// so, as in Go: Notify ends that.
void Reset(const Signals& signals);

// Has these signals do nothing; ends what Notify did for them.
void Ignore(const Signals& signals);
bool Ignored(os::Signal signal);

// A context that is also done when one of the signals arrives, and what stops it: that cancels it
// and ends the registration, which lasts until then.
[[nodiscard]] std::pair<context::Context, std::function<void()>> NotifyContext(
    const context::Context& parent, const Signals& signals,
    std::source_location site = std::source_location::current());

// What becomes of a signal that arrives now.
enum class Disposition : std::uint8_t {
  kDefault,   // the kernel's default action: SIGINT, SIGTERM and SIGQUIT end the process
  kNotified,  // some channel is registered
  kIgnored,
};
Disposition DispositionOf(os::Signal signal);

// Sends the current bubble's process a signal: kill(getpid(), signal) for a real bubble. In a
// virtual one it is delivered before this returns, and where the default action would end a
// process, nothing happens. Returns what it met.
Disposition Raise(os::Signal signal);

// Registrations, as a census names them.
extern const TimerKind kNotify;

}  // namespace signal
}  // namespace afterleak
