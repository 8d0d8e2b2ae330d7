// Asks the judge about a bubble: whether it abandoned anything, whether what is alive grows, and
// what a piece of work leaves behind.
//
//   Bubble bubble;
//   Verdict verdict = CheckLeftBehind(bubble, [] { HandleRequest(); }, {.calls = 100});
//   if (!verdict) std::puts(ToString(verdict).c_str());
//
// These are plain functions, for any test framework; testing.h has the GoogleTest assertions. A
// check that saw nothing passes nothing: if no timer was armed and no goroutine started, the
// verdict fails with that as its reason, unless may_be_idle says that this is meant.
#pragma once

#include <functional>
#include <source_location>

#include "afterleak/bubble/bubble.h"
#include "afterleak/census/judge.h"
#include "afterleak/census/verdict.h"

namespace afterleak {

// Whether nothing was ever abandoned in the bubble, timers and contexts alike.
Verdict CheckAbandoned(const Bubble& bubble, const CheckOptions& options = {});

// Advances the bubble by ten windows of time. The first two are the warm-up; what is alive must not
// rise over the other eight (Rises, in judge.h), and nothing may be abandoned. Timers, contexts and
// goroutines count, each by its exact peaks. The window should be longer than every delay that the
// code uses, and hold several pieces of work.
Verdict CheckBounded(Bubble& bubble, Duration window, const CheckOptions& options = {});

// Whether nothing is alive that was not alive at `before` (Bubble::Alive), and nothing was
// abandoned since. For code that has its own way to begin and end the work: take the inventory, let
// it work, end it, and let the instant settle (Advance).
Verdict CheckLeftSince(const Inventory& before, const Bubble& bubble,
                       const CheckOptions& options = {});

struct WorkOptions {
  Allowance allowed{};
  bool may_be_idle = false;
  int calls = 1;     // how often the work is done, one call after the other
  Duration grace{};  // how long the bubble may go on after the last call has returned
  // A call that has not returned by then fails the verdict, with what its goroutines wait for.
  Duration limit = std::chrono::hours(24);
  HeapCheck heap = HeapCheck::kIfCounted;
};

// Does the work in a goroutine of the bubble, one call after the other, and judges what is alive
// when the last has returned, `grace` has passed and the instant has settled, but was not alive
// before. From 10 calls on it also judges growth: a tenth of the calls is a window, the first two
// are the warm-up, and what is alive at once must not rise over the others. From 50 calls on it
// judges heap blocks: a finding if each of those windows leaves at least one block more for each
// call. The bubble must not be running otherwise. Rethrows what the work throws.
Verdict CheckLeftBehind(Bubble& bubble, const std::function<void()>& work,
                        const WorkOptions& options = {},
                        std::source_location site = std::source_location::current());

}  // namespace afterleak
