// Go's package os/signal: signals as values on channels.
//
//   auto signals = MakeChan<os::Signal>(1);
//   signal::Notify(signals, {SIGINT, SIGTERM});
//   Defer stop([&] { signal::Stop(signals); });
//   signals.Recv();
//
// Semantics are those of os/signal/signal.go. Delivery never blocks, so a channel without room
// loses the signal. Every channel gets a copy. Registering a channel twice gives it one copy. After
// the last Stop, the action is what it was before the first Notify.
//
// In a real bubble signals are the kernel's: Notify installs a handler for the process, and all
// real bubbles get copies. A virtual bubble acts as a separate process that the kernel knows
// nothing about: its signals come from Raise, at the instant of the call.
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

// A list of signals. Numbers that do not exist or cannot be caught (SIGKILL, SIGSTOP, and SIGPROF,
// which belongs to profilers) are passed over, as in Go. An empty list stands for all others but
// the faults of the program, such as SIGSEGV; Go passes those on if they come from another process.
using Signals = std::vector<os::Signal>;

// Registers `chan` for the signals, in addition to those it already receives. Panics if it is nil.
void Notify(const Chan<os::Signal>& chan, const Signals& signals,
            std::source_location site = std::source_location::current());

// Undoes Notify for `chan`. When Stop returns, chan receives no more signals; those that had
// arrived earlier have been delivered.
void Stop(const Chan<os::Signal>& chan);

// Undoes Notify for these signals, on all channels of the bubble. An ignored signal stays ignored,
// as in Go; Notify ends that.
void Reset(const Signals& signals);

// Makes these signals do nothing, and undoes Notify for them.
void Ignore(const Signals& signals);
bool Ignored(os::Signal signal);

// A context that is also done when one of the signals arrives, and its stop function, which cancels
// it and ends the registration. The registration lasts until then.
[[nodiscard]] std::pair<context::Context, std::function<void()>> NotifyContext(
    const context::Context& parent, const Signals& signals,
    std::source_location site = std::source_location::current());

// What happens to a signal that arrives now.
enum class Disposition : std::uint8_t {
  kDefault,   // the kernel's default action: SIGINT, SIGTERM and SIGQUIT end the process
  kNotified,  // some channel is registered
  kIgnored,
};
Disposition DispositionOf(os::Signal signal);

// Sends a signal to the current bubble's process: kill(getpid(), signal) for a real bubble. In a
// virtual bubble it is delivered before this returns, and if the default action would end a
// process, nothing happens. Returns what it met.
Disposition Raise(os::Signal signal);

// The kinds of registration, as a census names them.
extern const TimerKind kNotify;

}  // namespace signal
}  // namespace afterleak
