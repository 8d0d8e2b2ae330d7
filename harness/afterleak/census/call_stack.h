// Call stacks: capturing one is cheap, and each is kept once. What their addresses stand for is
// looked up only when a report is written (symbols.h).
#pragma once

#include <cstdint>
#include <span>

#include "afterleak/version.h"

namespace afterleak::internal {

// Return addresses, innermost first. Kept once for each different stack, as long as the process.
struct CallStack {
  std::span<const std::uintptr_t> frames;
  std::uint32_t id;  // from 1 on, in the order in which they were first seen
};

constexpr int kMostFrames = 24;

// The stack of the caller, at most kMostFrames deep. Equal stacks give the same address.
// A stack that comes again and again costs some 15 ns, on x86-64; another one 100 to 250 ns with
// libunwind, and without it, under ThreadSanitizer and where it is preloaded, about 3 us.
// Thread-safe. Throws std::bad_alloc.
//
// Given the return address of a function that is being called, the stack begins there: without the
// frames of that function and of those that it called. The whole stack, if it is not found.
const CallStack& CaptureCallStack(const void* caller = nullptr);

// The same for a stack that was found in another way: a coroutine's, say. At most kMostFrames.
const CallStack& KeepCallStack(std::span<const std::uintptr_t> found);

}  // namespace afterleak::internal
