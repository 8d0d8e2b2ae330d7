// What the sources know of their timers, in one census: a source says what the program did with a
// timer object, and the record of each object is kept here.
//
// An object is live while it is armed. One that was made, fired or was stopped, and was not freed,
// is idle: that is a record of another resource, so that both have the same counters, peaks and
// sites, and the same judge. Its site is where the object was made, or armed first if that was not
// seen, whatever armed it since: that is the line where a reader looks for the missing free.
//
// All of this is thread-safe and works in a process that forks. It calls nothing of the program and
// allocates nothing that heap::Scope counts. Where an object is not known, nothing happens.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/census/clock.h"
#include "afterleak/loops/library.h"

namespace afterleak::loops::internal {

// A kind of timer: one constant for each function that arms, or for each shape of what it arms.
struct LoopTimer {
  Library library;
  TimerKind live;  // rooted: its loop keeps it
  TimerKind idle;  // no name: nobody has to free such a timer, so it is forgotten when it ends
};
// `made_by` is what an idle one is known by: the function that made it, or the name of its type.
constexpr LoopTimer MakeLoopTimer(Library library, std::string_view armed_by, bool periodic,
                                  std::string_view cure, std::string_view made_by,
                                  std::string_view cure_of_idle) {
  return {
      .library = library,
      .live = {.name = armed_by, .rooted = true, .periodic = periodic, .cure = cure},
      .idle = {.name = made_by, .rooted = true, .resource = Resource::kIdle, .cure = cure_of_idle}};
}
constexpr LoopTimer MakeUnownedTimer(Library library, std::string_view armed_by, bool periodic,
                                     std::string_view cure) {
  return {.library = library,
          .live = {.name = armed_by, .rooted = true, .periodic = periodic, .cure = cure},
          .idle = {.name = {}, .rooted = true, .resource = Resource::kIdle}};
}

// What tells the objects of a library apart: an address, or a file descriptor plus one.
using Key = std::uintptr_t;
inline Key KeyOf(const void* object) { return reinterpret_cast<Key>(object); }

constexpr Duration kNever = Duration::max();

constexpr Duration ToDuration(std::int64_t seconds, std::int64_t nanoseconds) {
  if (seconds >= kNever / std::chrono::seconds(1)) return kNever;
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds);
}

// Who called the function that makes or arms: its return address. Where a callback of the program
// ends with that call, the compiler makes a jump of it, and the return address is in the library
// that called back.
struct Caller {
  Caller(const void* address) : return_address(address) {}  // NOLINT: that is what it is
  static Caller Jumped(const void* address, const void* code) {
    Caller caller(address);
    caller.jumped = true;
    caller.callback = code;
    return caller;
  }

  const void* return_address;
  bool jumped = false;
  const void* callback = nullptr;  // its code, if it jumped; null where it is not known which
};

// Made and not armed: idle from here on. Only for what is freed by a call that its source sees.
// Nothing happens if it is known. Parameters as for Armed.
void Made(const LoopTimer& timer, Key key, const Caller& caller, void* data = nullptr) noexcept;

// Armed, or armed again: what was live before has been stopped. `timer` must last as long as the
// process. The site is the call stack from `caller` outwards; of one that was live and is put off,
// the site and kind stay. `data` is the source's own, such as the callback that it has put its own
// in place of. An arming for which there is no memory is not recorded; Unrecorded() counts it.
void Armed(const LoopTimer& timer, Key key, Duration timeout, const Caller& caller,
           void* data = nullptr) noexcept;

// Puts off a timer that is live, as Armed does. It takes no call stack, so it costs less. False: it
// is not live, or of another kind, and nothing has happened.
bool PutOff(const LoopTimer& timer, Key key, Duration timeout, void* data = nullptr) noexcept;

// As Armed, with a call stack that was found in another way: return addresses, innermost first.
void Armed(const LoopTimer& timer, Key key, Duration timeout,
           std::span<const std::uintptr_t> frames, void* data = nullptr) noexcept;

// It fired, and waits again: a periodic one.
void Ticked(Library library, Key key, Duration timeout) noexcept;

// It fired, and is idle now.
void Fired(Library library, Key key) noexcept;

// It was stopped, and is idle now. Nothing happens if it was idle before.
void Stopped(Library library, Key key) noexcept;

// Closed or freed. What was still live counts as stopped.
void Freed(Library library, Key key) noexcept;

// All that are live or idle, of that kind and with that data: their loop is destroyed. `freed` is
// called for each while the ledger is locked. O(what is known of the library).
void FreedAll(const LoopTimer& timer, const void* data, void (*freed)(Key) = nullptr) noexcept;

bool IsLive(Library library, Key key) noexcept;
bool IsKnown(Library library, Key key) noexcept;

// As the last arming gave it; null if the object is not known.
void* DataOf(Library library, Key key) noexcept;
void SetData(Library library, Key key, void* data) noexcept;

std::int64_t Unrecorded() noexcept;

// The library that is loaded is newer than what is known of it here: its timers are not seen.
void NotKnown(Library library) noexcept;
bool IsKnown(Library library) noexcept;

// Asks about each live one, where nobody tells of a firing: what has become of it. `ask` gets the
// data of the last arming, and is called while the ledger is locked.
enum class State : std::uint8_t { kPending, kFired, kGone };
void Ask(Library library, State (*ask)(Key, const void* data)) noexcept;

// The units of work that the program names (afterleak/watch.h): what this thread arms is of the
// last one that it began or switched to. 0 is none; numbers that are not known do nothing.
using Work = std::uint64_t;
Work BeginWork() noexcept;
Work SwitchWork(Work work) noexcept;
void EndWork(Work work) noexcept;

// Objects that are live, by what they will be when they are idle.
struct InUse {
  std::string_view kind;
  Site site;
  std::int64_t count;
};
std::vector<InUse> ObjectsInUse();

// The ledger, for loops.h.
CensusTotals Totals(Resource resource);
CensusReport Report(Resource resource);
void NextWindow();

}  // namespace afterleak::loops::internal
