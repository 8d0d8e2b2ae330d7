// The record from the program's side: found, mapped, and for a child of it the next one.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "watch/record.h"

namespace afterleak::watch {

// Null without one. They change in a child of fork alone.
extern Record* record;
extern Image* image;  // this program, in it
extern bool follows;  // children have records, too

// By the environment. False if there is none for this process.
bool FindRecord();

// Zeroed; null if there is no more.
void* FromRecord(std::size_t bytes);

// In a child of fork: the next record, with `copy` of what the parent had in its own, in the place
// of that. `bytes` of it were mapped. False if there is none left; then nothing has changed.
bool TakeRecord(std::size_t bytes, const void* copy, std::size_t copied);

// What the variable of a process says that goes on in this one's record, or takes the next one:
// PID:SLOT:PATH. Null if it is not to be recorded.
inline constexpr std::size_t kSpecSize = 128;
const char* SpecForExec(char (&spec)[kSpecSize]);
const char* SpecForSpawn(char (&spec)[kSpecSize]);

// Null where the clocks are left alone (preload_virtual.cc).
[[gnu::weak]] void EnterVirtualTime();

// Makes a system call that the program may have forbidden (seccomp), and leaves its number in the
// record where it has.
inline bool Allowed(std::uint32_t number, auto&& call) {
  record->calling.store(number + 1, std::memory_order_relaxed);
  const bool done = call();
  if (done || (errno != EPERM && errno != EACCES && errno != ENOSYS))
    record->calling.store(0, std::memory_order_relaxed);
  return done;
}

}  // namespace afterleak::watch
