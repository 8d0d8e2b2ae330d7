// Puts a pair on a real event loop, in virtual time and with real signals, as RunPattern does with
// the Go-like port.
//
// A sample has the timers that were armed since the run began. The whole process is in virtual time
// meanwhile, so one run at a time.
#pragma once

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
  // then what grows. The peak is that of the samples; heap and journal are empty.
  afterleak::Timeline timeline;
  Did did{};  // until `length`
};

// Runs one side for options.length, ends the load, judges, and lets what is left behind fire.
// options.bubble says nothing here. Throws what LoopBubble throws, and std::invalid_argument if the
// pattern is not written for loops.
LoopRun RunOnLoop(const MakeLoopHost& make, std::string_view pattern,
                  const afterleak::RunOptions& options);

}  // namespace pairs
