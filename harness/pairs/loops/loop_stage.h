// Puts a pair on a real event loop, in virtual time and with real signals, as RunPattern does with
// the Go-like port.
//
// A sample has the timers that were armed since the run began. The whole process is in virtual time
// meanwhile, so one run at a time.
#pragma once

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
  int polled = 0;                               // looping_select alone
  std::vector<afterleak::Duration> returned{};  // when each call did, or each session ended
};

struct LoopRun {
  // Nothing is abandoned on a loop. First it is found what is left behind when the load is over,
  // then what grows. The peak is that of the samples; the journal is empty. The heap is what the
  // pair has allocated with operator new, and so not what the loop takes from malloc.
  afterleak::Timeline timeline;
  Did did{};  // until `length`
  // With kPending: the loop as it is after the load, which the process may keep and end with.
  // Nothing frees it.
  void* pending = nullptr;
};

// What happens after the load: what is left behind fires, and the loop is freed; or it stops and
// all stays as it is.
enum class LoopEnd : std::uint8_t { kTornDown, kPending };

// Runs one side for options.length, ends the load and judges. options.bubble says nothing here.
// Without a judge there are samples only: a report reads the program's symbols, which takes 13 MB
// of the heap. Throws what LoopBubble throws, and std::invalid_argument if the pattern is not
// written for loops.
LoopRun RunOnLoop(const MakeLoopHost& make, std::string_view pattern,
                  const afterleak::RunOptions& options, LoopEnd end = LoopEnd::kTornDown,
                  bool judged = true);

}  // namespace pairs
