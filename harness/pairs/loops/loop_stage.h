// Puts a pair on a real event loop, in virtual time and with real signals, as RunPattern does with
// the Go-like port.
//
// A sample has the timers that were armed since the run began. The whole process is in virtual time
// meanwhile, so one run at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "afterleak/census/clock.h"
#include "pairs/loops/loop_host.h"
#include "stage/timeline.h"

namespace pairs {

// What a side does, besides arming timers.
struct Did {
  int heard = 0;                                // messages or signals
  std::vector<afterleak::Duration> polled{};    // when: looping_select and idle_timeout
  std::vector<afterleak::Duration> returned{};  // when each call did, or each session ended
};

struct LoopRun {
  // Nothing is abandoned on a loop. First it is found what is left behind when the load is over (or
  // was when the only call returned, if that has fired since), then what grows. The peak is that of
  // the samples; the journal is empty. The heap is what the pair has allocated with operator new,
  // and so not what the loop takes from malloc.
  afterleak::Timeline timeline;
  Did did{};  // until `length`
  // With kPending, or if it was interrupted: the loop as it is, which the process may keep and end
  // with. Nothing frees it.
  void* pending = nullptr;
};

// What happens after the load: what is left behind fires, and the loop is freed; or it stops and
// all stays as it is.
enum class LoopEnd : std::uint8_t { kTornDown, kPending };

struct LoopTerms {
  // Without it there are samples only: a report reads the program's symbols, and they take 13 MB.
  bool judged = true;
  LoopEnd end = LoopEnd::kTornDown;
  // When a signal handler has set it, the run ends early, and nothing is judged.
  const std::atomic<bool>* interrupted = nullptr;
};

// Runs one side for options.length, ends the load and judges. `on`: see MakeHost. options.bubble
// says nothing here. Throws what LoopBubble throws, and std::invalid_argument if the pattern is not
// written for loops.
LoopRun RunOnLoop(std::string_view on, std::string_view pattern,
                  const afterleak::RunOptions& options, const LoopTerms& terms = {});

}  // namespace pairs
