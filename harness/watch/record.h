// The record: what a watched process and its watcher share. One piece of memory without a name
// (memfd_create), mapped at one address in both, so that the pointers in it hold. The program keeps
// its ledger there (afterleak/loops/ledger.h); so it is complete however the program ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "afterleak/loops/ledger.h"
#include "afterleak/version.h"

namespace afterleak::watch {

// Where nothing else is: below what the kernel places by itself, also with a sanitizer.
inline constexpr std::uintptr_t kBase = 0x7e90'0000'0000;
inline constexpr std::size_t kLargest = std::size_t{16} << 30;  // what is not used costs nothing
inline constexpr std::size_t kSmallest = std::size_t{16} << 20;

// The environment of a program that is to be recorded. The first is PID:SLOT:PATH, whose record it
// is and where that is; the second is the LD_PRELOAD=... that the user had. What is preloaded takes
// both out, and itself, before the program's main.
inline constexpr char kRecordVariable[] = "AFTERLEAK_RECORD";
inline constexpr char kUsersPreloadVariable[] = "AFTERLEAK_USERS_LD_PRELOAD";

// A program or shared library that the process has loaded.
struct Module {
  std::uint64_t bias;  // what its addresses are more than those in its file
  char path[504];      // what is longer is not named
};

// A program in the process: the next one where it calls exec.
struct Image {
  static constexpr std::uint32_t kMostModules = 512;

  std::atomic<loops::internal::Ledger*> ledger;  // null: it had no time to begin
  std::atomic<std::uint32_t> module_count;
  Module modules[kMostModules];  // the program first

  // Functions, files and lines that are not to be named as sites (afterleak/watch.h).
  static constexpr std::uint32_t kMostWrappers = 32;
  std::atomic<std::uint32_t> wrapper_count;
  char wrappers[kMostWrappers][128];
};

// With --virtual: the watcher lets time pass in stretches, and looks when one is over.
struct SharedTime {
  std::atomic<std::uint32_t> stretches;  // that it has let pass; a futex
  std::atomic<std::uint32_t> passed;     // that are over: all threads wait; a futex
  std::atomic<std::int64_t> until;       // the end of the last one, in ns since the start
  std::atomic<bool> when_idle;           // also where the program has no deadline
  std::atomic<std::int64_t> now;         // in ns since the start
  std::atomic<std::uint32_t> forks;      // children live in real time
  std::atomic<bool> is_refused;          // with the line why; the program does not go on
  char why[1024];
};

struct Record {
  static constexpr std::uint32_t kMostImages = 8;

  char version[64];  // both sides must have been built together
  std::uint64_t size;
  std::atomic<std::uint64_t> used;    // from kBase on; the rest is zero
  std::atomic<std::uint64_t> mapped;  // by the program, which maps more as it needs it
  std::atomic<std::uint32_t> image_count;
  // The system call that we ourselves make, plus one; what stays has been refused, or has killed.
  std::atomic<std::uint32_t> calling;
  SharedTime time;
  Image images[kMostImages];
};

// What the file of the records begins with; the record of each process follows, all of one size.
struct Directory {
  static constexpr std::uint32_t kMostProcesses = 64;

  std::uint64_t size;                // of a record
  std::uint32_t most;                // that may be taken
  std::atomic<std::uint32_t> taken;  // more than there are: that many were not recorded
  std::atomic<std::int32_t> pids[kMostProcesses];  // 0: not ready
};
inline constexpr std::size_t kDirectory = 4096;
static_assert(sizeof(Directory) <= kDirectory);
inline std::size_t PlaceOfRecord(const Directory& directory, std::uint32_t slot) {
  return kDirectory + slot * directory.size;
}

// Where what is taken begins: on a page.
inline constexpr std::size_t kFirst = (sizeof(Record) + 4095) / 4096 * 4096;
static_assert(kFirst < kSmallest / 4);
// How much is mapped at first; and how much more than is used, for what the watcher may take.
inline constexpr std::size_t kMappedFirst = std::size_t{8} << 20;
inline constexpr std::size_t kReserve = std::size_t{1} << 20;
static_assert(kFirst + kReserve < kMappedFirst && kMappedFirst <= kSmallest);

// Memory of the record up to a limit; null if there is none. What was taken is never given back.
inline void* TakeFrom(Record& record, std::size_t bytes, std::uint64_t limit) {
  constexpr std::size_t kAligned = 64;
  bytes = (bytes + kAligned - 1) / kAligned * kAligned;
  const std::uint64_t begin = record.used.fetch_add(bytes, std::memory_order_relaxed);
  if (begin + bytes <= limit) return reinterpret_cast<void*>(kBase + begin);
  record.used.fetch_sub(bytes, std::memory_order_relaxed);
  return nullptr;
}

inline constexpr char kVersion[] = "afterleak " AFTERLEAK_VERSION;

}  // namespace afterleak::watch
