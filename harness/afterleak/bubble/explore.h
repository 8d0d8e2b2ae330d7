// Explore: the same test under many schedules.
//
// A virtual bubble does everything in one order, always the same. A program that is right only in
// that order passes. Explore runs it in others that are as legal: a goroutine that was not next, a
// timer that fires just after a Stop at the very instant at which it is due.
//
//   Explore(100, [](Bubble& bubble) {
//     bubble.Run([] { Transfer(); });          // throws if it went wrong
//   });
//
// prints "seed 17 fails: ..." and returns 17, with which a debugger can replay it:
// Bubble({.seed = 17, .shuffle = true}). testing.h has EverySeedPasses for GoogleTest.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "afterleak/bubble/bubble.h"

namespace afterleak {

// Calls `test` with a new virtual bubble for each of `seeds` seeds, from options.seed on, until
// one fails: by an exception that leaves `test`, or because `failed` says so after it. Prints the
// seed and the exception's text to standard error and returns the seed, or nullopt if all passed.
// The bubbles shuffle; the rest of `options` stays.
std::optional<std::uint64_t> Explore(int seeds, const std::function<void(Bubble&)>& test,
                                     Bubble::Options options = {},
                                     const std::function<bool()>& failed = {});

}  // namespace afterleak
