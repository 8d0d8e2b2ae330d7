// The programs of this folder, as reports.json and the files in clean/ say. CMake writes the list.
#pragma once

#include <string_view>
#include <vector>

#include "afterleak/bubble/bubble.h"

namespace cases {

struct Program {
  std::string_view name;  // "01_after_in_select_loop"
  std::string_view side;  // "leaky", "fixed", "clean"
  void (*run)(afterleak::Bubble&);
  // Of a leaky side, from reports.json.
  std::string_view kind;  // "abandoned", "left behind", "growing", "stale"
  std::string_view what;  // "timer", "context", "goroutine", "registration", "heap"
  bool go122;             // it leaks in this timer mode
  bool go123;
  std::string_view wrapper;  // the function whose callers are to be named; empty if none

  bool Leaks(afterleak::TimerMode mode) const {
    return mode == afterleak::TimerMode::kGo122 ? go122 : go123;
  }
};

const std::vector<Program>& Programs();

}  // namespace cases
