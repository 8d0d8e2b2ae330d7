#include "pairs/pairs.h"

#include <chrono>
#include <csignal>
#include <string>

#include "afterleak/afterleak.h"
#include "pairs/early_return.h"
#include "pairs/idle_timeout.h"
#include "pairs/looping_select.h"
#include "pairs/signal_before_expiry.h"
#include "pairs/signal_registration.h"

namespace pairs {
namespace {

using namespace afterleak;

constexpr Duration kSessionLength = std::chrono::seconds(30);
constexpr Duration kQuiet = std::chrono::seconds(30);

LoopTimes Times(const Stage& stage) {
  const LoopTimes usual;
  return {.poll = usual.poll / stage.tempo, .give_up = usual.give_up / stage.tempo};
}

// What is made here belongs to the bubble on the stage.
template <typename T>
Chan<T> MakeChanIn(Bubble& bubble, std::size_t capacity) {
  Chan<T> chan;
  bubble.Run([&] { chan = MakeChan<T>(capacity); });
  return chan;
}

void StageLoopingSelect(const Stage& stage) {
  const auto messages = MakeChanIn<std::string>(stage.bubble, 1);
  const auto function =
      stage.variant == Variant::kLeaky ? &leaky::LoopingSelect : &fixed::LoopingSelect;
  const LoopTimes times = Times(stage);
  stage.bubble.Go(
      [=] { function(messages, times, {.handle = [](const std::string&) {}, .poll = [] {}}); });
  Schedule(stage.bubble, stage.workload, [=] { messages.TrySend("hello"); }, stage.load_ends);
}

// One call or, under load, one for each message.
void StageEarlyReturn(const Stage& stage) {
  const auto messages = MakeChanIn<std::string>(stage.bubble, 1);
  const auto calls = MakeChanIn<Unit>(stage.bubble, 1);
  const auto function =
      stage.variant == Variant::kLeaky ? &leaky::EarlyReturn : &fixed::EarlyReturn;
  const LoopTimes times = Times(stage);
  const bool busy = stage.workload.kind == Workload::Kind::kBusy;
  stage.bubble.Go([=] {
    for ([[maybe_unused]] const Unit& call : calls) function(messages, times);
  });
  if (!busy) calls.TrySend({});
  Schedule(
      stage.bubble, stage.workload,
      [=] {
        messages.TrySend("hello");
        if (busy) calls.TrySend({});
      },
      stage.load_ends, [calls]() mutable { calls.Close(); });
}

// When the load is over, the channel is closed and the loop returns.
void StageIdleTimeout(const Stage& stage) {
  const auto messages = MakeChanIn<std::string>(stage.bubble, 1);
  const auto function =
      stage.variant == Variant::kLeaky ? &leaky::IdleTimeout : &fixed::IdleTimeout;
  stage.bubble.Go([=, quiet = kQuiet / stage.tempo] {
    function(messages, quiet, {.handle = [](const std::string&) {}, .poll = [] {}});
  });
  Schedule(
      stage.bubble, stage.workload, [=] { messages.TrySend("hello"); }, stage.load_ends,
      [messages]() mutable { messages.Close(); });
}

// A host that runs one session after another; only one if the workload is a single signal. When the
// load is over, one more signal ends the session in progress, and that was the last one.
template <typename Session, typename Signal>
void StageSessions(const Stage& stage, Session session, Signal signal) {
  const bool once = stage.workload.kind == Workload::Kind::kOnce;
  stage.bubble.Go([=, end = once ? Time::min() : stage.load_ends] {
    do {
      session();
    } while (time::Now() < end);
  });
  Schedule(stage.bubble, stage.workload, signal, stage.load_ends, signal);
}

// The host registered for its signals long before, so its registration is not part of the picture.
void StageSignalBeforeExpiry(const Stage& stage) {
  const auto signals = MakeChanIn<os::Signal>(stage.bubble, 1);
  const auto function =
      stage.variant == Variant::kLeaky ? &leaky::SignalBeforeExpiry : &fixed::SignalBeforeExpiry;
  StageSessions(
      stage, [=, length = kSessionLength / stage.tempo] { function(signals, length); },
      [=] { signals.TrySend(SIGTERM); });
}

void StageSignalRegistration(const Stage& stage) {
  const auto function =
      stage.variant == Variant::kLeaky ? &leaky::SignalRegistration : &fixed::SignalRegistration;
  StageSessions(
      stage, [=, length = kSessionLength / stage.tempo] { function(length); },
      [] {
        // With the real clock this is a real signal. If nothing were registered for it, it would
        // end this process, as it should; but not now.
        if (signal::DispositionOf(SIGTERM) == signal::Disposition::kNotified)
          signal::Raise(SIGTERM);
      });
}

}  // namespace

const std::vector<Pattern>& All() {
  // See loops/. The coroutines are Asio's, where the fix of two patterns is another.
  const std::vector<std::string> loops = {"libuv", "libevent", "glib", "asio"};
  const std::vector<std::string> and_coroutines = {"libuv", "libevent", "glib", "asio",
                                                   "coroutines"};
  static const std::vector<Pattern> all = {
      {.name = "looping_select",
       .article = "A",
       .summary = "a loop makes new time-outs on every turn of its select",
       .fix = "One deadline and one ticker are made before the loop, and end with the function.",
       .work = "Not the same: the deadline is absolute, so it ends the loop after 30 s even while "
               "messages come, and the ticker polls though they come. Of 100 messages a second, "
               "leaky handles 6,000 in a minute and never polls; fixed handles 2,999, polls 10 "
               "times and returns at 30 s. In idle_timeout the fix keeps all of the work.",
       .event = "message",
       .workloads = {ParseWorkload("idle"), ParseWorkload("busy:100/s")},
       .loops = and_coroutines,
       .gentle = ParseWorkload("idle"),
       .stage = StageLoopingSelect},
      {.name = "early_return",
       .article = "A",
       .summary = "a message ends the wait, its time-outs stay behind",
       .fix = "The deadline and the ticker belong to the call, and end with it on every path.",
       .work = "Both sides return the first message at the instant at which it comes. Without one, "
               "leaky never gives up, and fixed does at 30 s.",
       .event = "message",
       .workloads = {ParseWorkload("message@0s"), ParseWorkload("busy:100/s")},
       .loops = loops,
       .gentle = ParseWorkload("busy:1/s"),
       .stage = StageEarlyReturn},
      {.name = "idle_timeout",
       .article = "A",
       .summary = "a loop makes a new time-out for every message, to notice when none comes",
       .fix = "One timer, which each turn stops, drains and starts again.",
       .work = "The same: both sides handle every message, and see every idle moment at its "
               "instant.",
       .event = "message",
       .workloads = {ParseWorkload("message@1s"), ParseWorkload("busy:100/s")},
       .loops = and_coroutines,
       .gentle = ParseWorkload("busy:1/s"),
       .stage = StageIdleTimeout},
      {.name = "signal_before_expiry",
       .article = "B",
       .summary = "a signal ends the session, its time limit stays behind",
       .fix = "The time limit is a timer with a name, which is stopped when the session ends.",
       .work = "The same: each session ends with its signal at the instant at which that comes, or "
               "when its time is over.",
       .event = "signal",
       .workloads = {ParseWorkload("signal@1s"), ParseWorkload("busy:2/s")},
       .loops = loops,
       .gentle = ParseWorkload("busy:1/s"),
       .stage = StageSignalBeforeExpiry},
      {.name = "signal_registration",
       .article = "B",
       .summary = "the session ends, its signal registration never does",
       .fix = "The registration is taken back when the session ends, on every path.",
       .work = "The same sessions. After them SIGTERM ends the fixed host again, and the leaky one "
               "is deaf to it.",
       .event = "signal",
       .workloads = {ParseWorkload("busy:1/s")},
       .gentle = ParseWorkload("busy:1/s"),
       .stage = StageSignalRegistration},
  };
  return all;
}

}  // namespace pairs
