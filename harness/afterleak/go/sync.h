// Go's package sync: locks, and waiting for other goroutines.
//
//   sync::Mutex mutex;
//   mutex.Lock();
//   Defer unlock([&] { mutex.Unlock(); });
//
// Semantics are those of sync/mutex.go, rwmutex.go, waitgroup.go, once.go, oncefunc.go and cond.go,
// including the text of the panics. A goroutine that waits is blocked durably: virtual time moves
// on, and a Deadlock lists it by the line where it waits. A std::mutex would stop the bubble.
//
// The zero values are ready for use, also as a global, and belong to no bubble. Goroutines of any
// bubble and any thread may use them. What they may not do is wait for a virtual bubble from
// outside of it, or from a virtual bubble for what is outside. That is a Panic with both lines:
// Lock and RLock of what another bubble's goroutine has locked, Wait for a counter that another
// virtual bubble has raised, Wait where goroutines of another bubble wait for the same Cond. What
// happens without waiting is always allowed.
//
// They cannot be copied, and must outlive the goroutines that use them: declare them before their
// bubble, or keep them in a std::shared_ptr that the goroutines hold. Only OnceFunc and OnceValue
// allocate. While nobody waits, an operation takes about 10 ns and no bubble's mutex.
//
// std::lock_guard and its like work, and also when the bubble ends they leave nothing locked. But
// the line that they lock at is in the standard library. For a report with your line, call Lock
// first: `mutex.Lock(); const std::lock_guard lock(mutex, std::adopt_lock);`.
#pragma once

#include "afterleak/go/cond.h"        // Cond
#include "afterleak/go/mutex.h"       // Mutex, Locker
#include "afterleak/go/once.h"        // Once, OnceFunc, OnceValue
#include "afterleak/go/rw_mutex.h"    // RWMutex
#include "afterleak/go/wait_group.h"  // WaitGroup
