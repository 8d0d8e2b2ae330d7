// Asks the judge about the event loops of this process: whether a timer was abandoned, and what a
// piece of work leaves behind, armed or idle.
//
//   Verdict verdict = loops::CheckLeftBehind([] { ServeOneRequest(); }, {.calls = 100});
//   if (!verdict) std::puts(ToString(verdict).c_str());
//
// These are plain functions, for any test framework (Catch2: CHECKED_IF(verdict), doctest:
// CHECK_MESSAGE(verdict.Passed(), ToString(verdict))); testing.h has the GoogleTest assertions.
// A check that saw nothing passes nothing: if no timer was armed, the verdict fails with that as
// its reason, and names the libraries that are loaded and not seen; may_be_idle says that this is
// what was meant.
//
// The census is one for the process, so what other threads arm meanwhile counts too. Thread-safe.
#pragma once

#include <functional>

#include "afterleak/census/judge.h"
#include "afterleak/census/verdict.h"
#include "afterleak/loops/loops.h"

namespace afterleak::loops {

// Whether no timer was ever abandoned in this process: of what an event loop keeps for a callback,
// that is never said (README.md), so this finds what a source of other timers has proved.
Verdict CheckAbandoned(const CheckOptions& options = {});

// Whether no timer is armed or idle that was not there at `before` (loops::Alive), and none was
// abandoned since. Objects count by site: one that was armed then and is idle now is no leak.
Verdict CheckLeftSince(const Inventory& before, const CheckOptions& options = {});

struct WorkOptions {
  Allowance allowed{};
  bool may_be_idle = false;
  int calls = 1;  // how often the work is done, one call after the other
  HeapCheck heap = HeapCheck::kIfCounted;
};

// Does the work on this thread, one call after the other, and judges what is there when the last
// has returned, but was not before. The work runs its loop itself, for as long as what it has begun
// needs to end. From 10 calls on it also judges growth: a tenth of the calls is a window, the first
// two are the warm-up, and what is armed at once, or idle at once, must not rise over the others.
// From 50 calls on it judges heap blocks of this thread: a finding if each of those windows leaves
// at least one block more for each call. What the work throws comes out of here.
Verdict CheckLeftBehind(const std::function<void()>& work, const WorkOptions& options = {});

}  // namespace afterleak::loops
