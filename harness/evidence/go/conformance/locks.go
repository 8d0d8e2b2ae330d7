package main

import "sync"

var lockRules = []rule{
	{"Mutex: a second Lock blocks", "sync TestMutex", func() string {
		var m sync.Mutex
		m.Lock()
		return blocks(m.Lock)
	}},
	{"Mutex: TryLock of a free and of a locked one", "sync TestMutex", func() string {
		var m sync.Mutex
		free, locked := m.TryLock(), m.TryLock()
		m.Unlock()
		return say(free, locked, m.TryLock())
	}},
	{"Mutex: another goroutine may unlock it", "sync TestMutex", func() string {
		var m sync.Mutex
		m.Lock()
		start(m.Unlock)
		return say(m.TryLock())
	}},
	{"Mutex: Unlock of an unlocked one", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.Mutex
			m.Unlock()
		})
	}},
	{"Mutex: Unlock after Unlock", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.Mutex
			m.Lock()
			m.Unlock()
			m.Unlock()
		})
	}},
	{"Mutex: waiters come in their order", "sync TestMutexFairness", func() string {
		var m sync.Mutex
		order := make(chan int, 3)
		m.Lock()
		for i := 1; i <= 3; i++ {
			i := i
			start(func() { m.Lock(); order <- i; m.Unlock() })
		}
		m.Unlock()
		settle()
		a, b := take(order), take(order)
		return say(a, b, take(order))
	}},
	{"Mutex: after Unlock it is free, though there is a waiter", "sync TestMutexFairness", func() string {
		var m sync.Mutex
		m.Lock()
		start(m.Lock)
		m.Unlock()
		return say(m.TryLock())
	}},
	{"Mutex: a waiter that was woken in vain is handed the lock", "sync TestMutexFairness", func() string {
		var m sync.Mutex
		m.Lock()
		start(m.Lock)
		m.Unlock()
		m.Lock()
		settle()
		m.Unlock()
		return say(m.TryLock())
	}},
	{"Mutex: and so are those behind it, until nobody waits", "sync TestMutexFairness", func() string {
		var m sync.Mutex
		m.Lock()
		for i := 0; i < 3; i++ {
			start(m.Lock)
		}
		m.Unlock()
		m.Lock()
		settle()
		m.Unlock()
		settle()
		m.Unlock()
		second := m.TryLock()
		settle()
		m.Unlock()
		third := m.TryLock()
		settle()
		m.Unlock()
		return say(second, third, m.TryLock())
	}},
	{"Mutex: four goroutines lose nothing", "sync TestMutex", func() string {
		var m sync.Mutex
		count := 0
		done := make(chan bool)
		for i := 0; i < 4; i++ {
			go func() {
				for k := 0; k < 100; k++ {
					m.Lock()
					count++
					m.Unlock()
				}
				done <- true
			}()
		}
		for i := 0; i < 4; i++ {
			<-done
		}
		return say(count)
	}},
	{"RWMutex: readers read together", "sync TestParallelReaders", func() string {
		var m sync.RWMutex
		m.RLock()
		return blocks(m.RLock)
	}},
	{"RWMutex: a writer waits for a reader", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.RLock()
		return blocks(m.Lock)
	}},
	{"RWMutex: a reader waits for a writer", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.Lock()
		return blocks(m.RLock)
	}},
	{"RWMutex: a writer waits for a writer", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.Lock()
		return blocks(m.Lock)
	}},
	{"RWMutex: TryLock and TryRLock while one reads", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.RLock()
		return say(m.TryLock(), m.TryRLock())
	}},
	{"RWMutex: TryLock and TryRLock while one writes", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.Lock()
		return say(m.TryLock(), m.TryRLock())
	}},
	{"RWMutex: a writer that waits keeps new readers out", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		m.RLock()
		start(m.Lock)
		try := m.TryRLock()
		return say(try, blocks(m.RLock))
	}},
	{"RWMutex: the last reader lets the writer in", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		written := make(chan bool, 1)
		m.RLock()
		m.RLock()
		start(func() { m.Lock(); written <- true })
		m.RUnlock()
		settle()
		first := ready(written)
		m.RUnlock()
		return say(first, arrives(written))
	}},
	{"RWMutex: readers that wait come before the next writer", "sync TestRWMutex", func() string {
		var m sync.RWMutex
		order := make(chan int, 3)
		m.Lock()
		start(func() { m.Lock(); order <- 3; m.Unlock() })
		start(func() { m.RLock(); order <- 1; settle(); m.RUnlock() })
		start(func() { m.RLock(); order <- 1; settle(); m.RUnlock() })
		m.Unlock()
		a, b := take(order), take(order)
		return say(a, b, take(order))
	}},
	{"RWMutex: Unlock of an unlocked one", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.RWMutex
			m.Unlock()
		})
	}},
	{"RWMutex: Unlock while one reads", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.RWMutex
			m.RLock()
			m.Unlock()
		})
	}},
	{"RWMutex: RUnlock of an unlocked one", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.RWMutex
			m.RUnlock()
		})
	}},
	{"RWMutex: RUnlock while one writes", "sync TestMutexMisuse", func() string {
		return fatal(func() {
			var m sync.RWMutex
			m.Lock()
			m.RUnlock()
		})
	}},
	{"RWMutex: its RLocker reads", "sync TestRLocker", func() string {
		var m sync.RWMutex
		reader := m.RLocker()
		reader.Lock()
		reader.Lock()
		write := m.TryLock()
		reader.Unlock()
		reader.Unlock()
		return say(write, m.TryLock())
	}},
	{"deadlock: Mutex.Lock", "sync TestMutex", func() string {
		return deadlocks(func() {
			var m sync.Mutex
			m.Lock()
			m.Lock()
		})
	}},
	{"deadlock: RWMutex.Lock", "sync TestRWMutex", func() string {
		return deadlocks(func() {
			var m sync.RWMutex
			m.RLock()
			m.Lock()
		})
	}},
	{"deadlock: RWMutex.RLock", "sync TestRWMutex", func() string {
		return deadlocks(func() {
			var m sync.RWMutex
			m.Lock()
			m.RLock()
		})
	}},
}
