// What the sources know of their timers, in one census: a source says what the program did with a
// timer object, and the record of each object is kept here.
//
// An object is live while it is armed. One that fired or was stopped, and was not freed, is idle:
// that is a record of another resource, so that both have the same counters, peaks and sites, and
// the same judge. Its site is where the object was armed first, whatever armed it since: that tells
// one that was there before from a new one.
//
// All of this is thread-safe and works in a process that forks. It calls nothing of the program and
// allocates nothing that heap::Scope counts. Where an object is not known, nothing happens.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/loops/sources.h"

namespace afterleak::loops::internal {

// A kind of timer: one constant for each function that arms, or for each shape of what it arms.
struct LoopTimer {
  Library library;
  TimerKind live;  // rooted: its loop keeps it
  TimerKind idle;  // without a cure where an object is gone once it has fired or been stopped
};
constexpr LoopTimer MakeLoopTimer(Library library, std::string_view armed_by, bool periodic,
                                  std::string_view cure, std::string_view cure_of_idle) {
  return {.library = library,
          .live = {.name = armed_by, .rooted = true, .periodic = periodic, .cure = cure},
          .idle = {
              .name = armed_by, .rooted = true, .resource = Resource::kIdle, .cure = cure_of_idle}};
}

// What tells the objects of a library apart: an address, or a file descriptor plus one.
using Key = std::uintptr_t;
inline Key KeyOf(const void* object) { return reinterpret_cast<Key>(object); }

constexpr Duration kNever = Duration::max();

// Armed, or armed again: what was live before has been stopped. `timer` must last as long as the
// process. The site is the call stack from `caller` outwards, the return address of the function
// that arms. `data` is the source's own, such as the callback that it has put its own in place of.
// An arming for which there is no memory is not recorded; Unrecorded() counts it.
void Armed(const LoopTimer& timer, Key object, Duration timeout, const void* caller,
           void* data = nullptr) noexcept;

// The same with a call stack that was found in another way: return addresses, innermost first.
void Armed(const LoopTimer& timer, Key object, Duration timeout,
           std::span<const std::uintptr_t> frames, void* data = nullptr) noexcept;

// It fired, and waits again: a periodic one.
void Ticked(Library library, Key object, Duration timeout) noexcept;

// It fired, and is idle now.
void Fired(Library library, Key object) noexcept;

// It was stopped, and is idle now. Nothing happens if it was idle before.
void Stopped(Library library, Key object) noexcept;

// Closed or freed. What was still live counts as stopped.
void Freed(Library library, Key object) noexcept;

bool IsLive(Library library, Key object) noexcept;
bool IsKnown(Library library, Key object) noexcept;

// As the last arming gave it; null if the object is not known.
void* DataOf(Library library, Key object) noexcept;

// Nobody can cancel it any more, and nobody will hear of it.
void Abandoned(Library library, Key object) noexcept;

std::int64_t Unrecorded() noexcept;

// The ledger, for loops.h.
CensusTotals Totals(Resource resource);
CensusReport Report(Resource resource);
void NextWindow();

}  // namespace afterleak::loops::internal
