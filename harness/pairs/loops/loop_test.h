// For the tests of the pairs on event loops: what a run shows, and what the port does.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/afterleak.h"
#include "pairs/early_return.h"
#include "pairs/idle_timeout.h"
#include "pairs/looping_select.h"
#include "pairs/loops/loop_stage.h"
#include "pairs/signal_before_expiry.h"

namespace pairs {

inline afterleak::RunOptions Options(afterleak::Variant side, std::string_view workload,
                                     afterleak::Duration length = std::chrono::seconds(60)) {
  return {.variant = side, .workload = afterleak::ParseWorkload(workload), .length = length};
}

inline std::int64_t LiveAt(const afterleak::Timeline& timeline, int second) {
  return timeline.samples.at(static_cast<std::size_t>(second)).census.live;
}

// A line for each sample.
inline std::string Live(const afterleak::Timeline& timeline) {
  std::string text;
  for (const afterleak::Sample& s : timeline.samples)
    text += fmt::format("{} s {}\n", s.at / std::chrono::seconds(1), s.census.live);
  return text;
}
inline std::string Ledger(const afterleak::Timeline& timeline) {
  std::string text;
  for (const afterleak::Sample& s : timeline.samples) {
    text += fmt::format("{} s {} armed {} fired {} stopped\n", s.at / std::chrono::seconds(1),
                        s.census.armed, s.census.fired, s.census.stopped);
  }
  return text;
}

inline std::vector<afterleak::Finding> Of(afterleak::Leak leak,
                                          const afterleak::Timeline& timeline) {
  std::vector<afterleak::Finding> findings = timeline.findings;
  std::erase_if(findings, [&](const afterleak::Finding& found) { return found.leak != leak; });
  return findings;
}

// The text of the line that a finding names.
inline std::string LineOf(const afterleak::Finding& finding) {
  std::ifstream file(SOURCES "/" + finding.file);
  std::string line;
  for (std::uint32_t i = 0; i < finding.line; ++i) std::getline(file, line);
  return line;
}

// What the Go-like port of a pair does under the same load, until options.length.
inline Did DidOnPort(std::string_view pattern, const afterleak::RunOptions& options) {
  using namespace afterleak;
  const bool leaky = options.variant == Variant::kLeaky;
  const bool busy = options.workload.kind == Workload::Kind::kBusy;
  Did did;
  const auto returned = [&did] { did.returned.push_back(time::Now().time_since_epoch()); };
  const Work loop{.handle = [&did](const std::string&) { ++did.heard; },
                  .poll = [&did] { did.polled.push_back(time::Now().time_since_epoch()); }};
  Bubble bubble;
  Chan<std::string> messages;
  Chan<Unit> calls;
  Chan<os::Signal> signals;
  bubble.Run([&] {
    messages = MakeChan<std::string>(1);
    calls = MakeChan<Unit>(1);
    signals = MakeChan<os::Signal>(1);
  });
  if (pattern == "looping_select") {
    bubble.Go([&, function = leaky ? &leaky::LoopingSelect : &fixed::LoopingSelect] {
      function(messages, {}, loop);
      returned();
    });
    Schedule(bubble, options.workload, [&] { messages.TrySend("hello"); });
  } else if (pattern == "early_return") {
    bubble.Go([&, function = leaky ? &leaky::EarlyReturn : &fixed::EarlyReturn] {
      for ([[maybe_unused]] const Unit& call : calls) {
        if (function(messages, {})) ++did.heard;
        returned();
      }
    });
    if (!busy) calls.TrySend({});
    Schedule(bubble, options.workload, [&, busy] {
      messages.TrySend("hello");
      if (busy) calls.TrySend({});
    });
  } else if (pattern == "idle_timeout") {
    bubble.Go([&, function = leaky ? &leaky::IdleTimeout : &fixed::IdleTimeout] {
      function(messages, std::chrono::seconds(30), loop);
      returned();
    });
    Schedule(bubble, options.workload, [&] { messages.TrySend("hello"); });
  } else {
    bubble.Go([&, function = leaky ? &leaky::SignalBeforeExpiry : &fixed::SignalBeforeExpiry] {
      do {
        if (function(signals, std::chrono::seconds(30))) ++did.heard;
        returned();
      } while (options.workload.kind != Workload::Kind::kOnce);
    });
    Schedule(bubble, options.workload, [&] { signals.TrySend(SIGTERM); });
  }
  bubble.AdvanceTo(options.length);
  return did;
}

}  // namespace pairs
