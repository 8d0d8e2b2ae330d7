// Keeper: where a ledger keeps what it knows.
//
// By default that is this process alone: pages from the kernel, outside the heap that is watched. A
// program that `afterleak watch` runs keeps it in memory that it shares with the watcher
// (harness/watch), so that it is complete however the program ends.
#pragma once

#include <atomic>
#include <cstddef>

#include "afterleak/version.h"

namespace afterleak::internal {

struct Keeper {
  void* (*take)(std::size_t bytes);  // zeroed pages; null: there is no memory
  void (*give_back)(void* pages, std::size_t bytes);
  // Called when an address is kept that stands for code which may not have been seen before; null:
  // nobody wants to know. No lock of a ledger is held.
  void (*note_code)();
  bool shared;  // another process reads it: locks and constants have to be fit for that
};

extern const Keeper kOwnPages;

// Weak: a program that shares its ledger defines it. Changed only where no other thread runs, and
// by the watcher under the ledger's lock.
extern constinit std::atomic<const Keeper*> keeper;

inline const Keeper& KeeperNow() { return *keeper.load(std::memory_order_relaxed); }

// Zeroed. Throws std::bad_alloc.
void* TakePages(std::size_t bytes);
void GiveBackPages(void* pages, std::size_t bytes) noexcept;

}  // namespace afterleak::internal
