// What a check says: the findings of the judge, or why nothing can be said. Bubbles and event loops
// have checks of the same names (bubble/leak_check.h, loops/leak_check.h), and these are their
// results and options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "afterleak/census/judge.h"

namespace afterleak {

struct Verdict {
  std::vector<Finding> findings{};
  std::string unfounded{};  // why nothing can be said; empty if something can
  std::string summary{};    // one line: what was seen

  bool Passed() const { return findings.empty() && unfounded.empty(); }
  explicit operator bool() const { return Passed(); }
};

// The summary, or why nothing can be said; then each finding.
std::string ToString(const Verdict& verdict);

struct CheckOptions {
  Allowance allowed{};
  bool may_be_idle = false;  // passes even if nothing was armed or started
};

// What CheckLeftBehind counts on the heap.
enum class HeapCheck : std::uint8_t {
  kIfCounted,  // blocks, where heap::Counting()
  kRequired,   // the same, and the verdict fails where they are not counted
  kOff,
};

}  // namespace afterleak
