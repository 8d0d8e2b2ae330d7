package main

import "sync"

var waitRules = []rule{
	{"WaitGroup: at zero nobody waits", "sync TestWaitGroup", func() string {
		var group sync.WaitGroup
		return blocks(group.Wait)
	}},
	{"WaitGroup: Wait blocks until the last one is done", "sync TestWaitGroup", func() string {
		var group sync.WaitGroup
		group.Add(2)
		waited := make(chan bool, 1)
		start(func() { group.Wait(); waited <- true })
		group.Done()
		settle()
		first := ready(waited)
		group.Done()
		return say(first, arrives(waited))
	}},
	{"WaitGroup: all that wait go on", "sync TestWaitGroup", func() string {
		var group sync.WaitGroup
		group.Add(1)
		waited := make(chan bool, 3)
		for i := 0; i < 3; i++ {
			start(func() { group.Wait(); waited <- true })
		}
		group.Done()
		settle()
		return say(count(waited))
	}},
	{"WaitGroup: again, after Wait has returned", "sync TestWaitGroup", func() string {
		var group sync.WaitGroup
		for i := 0; i < 3; i++ {
			group.Add(1)
			go group.Done()
			group.Wait()
		}
		group.Add(1)
		return blocks(group.Wait)
	}},
	{"WaitGroup: again, before Wait has returned", "sync TestWaitGroupMisuse", func() string {
		var group sync.WaitGroup
		group.Add(1)
		return panicsWhenWoken(group.Wait, func() { group.Done(); group.Add(1) })
	}},
	{"WaitGroup: a negative counter", "sync TestWaitGroupMisuse", func() string {
		var group sync.WaitGroup
		group.Add(1)
		group.Done()
		return panics(group.Done)
	}},
	{"WaitGroup: a negative counter stays", "sync TestWaitGroupMisuse", func() string {
		var group sync.WaitGroup
		panics(group.Done)
		below := panics(func() { group.Add(-1) })
		group.Add(2)
		return say(below, blocks(group.Wait))
	}},
	{"WaitGroup: two tasks have run when Wait returns", "sync TestWaitGroupRace", func() string {
		var group sync.WaitGroup
		n := make(chan int, 2)
		for i := 0; i < 2; i++ {
			group.Add(1)
			go func() { n <- 1; group.Done() }()
		}
		group.Wait()
		return say(count(n))
	}},
	{"Once: does it once, whatever it is given", "sync TestOnce", func() string {
		var once sync.Once
		n := 0
		for i := 0; i < 3; i++ {
			once.Do(func() { n++ })
		}
		once.Do(func() { n += 10 })
		return say(n)
	}},
	{"Once: others wait until it is done", "sync TestOnce", func() string {
		var once sync.Once
		end := make(chan bool)
		start(func() { once.Do(func() { <-end }) })
		during := blocks(func() { once.Do(func() {}) })
		end <- true
		settle()
		return say(during, blocks(func() { once.Do(func() {}) }))
	}},
	{"Once: an action that panics counts as done", "sync TestOncePanic", func() string {
		var once sync.Once
		n := 0
		first := panics(func() { once.Do(func() { panic("boom") }) })
		once.Do(func() { n++ })
		return say(first, n)
	}},
	{"Once: within itself it waits for itself", "sync TestOnce", func() string {
		var once sync.Once
		return blocks(func() { once.Do(func() { once.Do(func() {}) }) })
	}},
	{"Cond: Signal wakes one, in order", "sync TestCondSignal", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		order := make(chan int, 3)
		for i := 1; i <= 3; i++ {
			i := i
			start(func() { m.Lock(); cond.Wait(); order <- i; m.Unlock() })
		}
		cond.Signal()
		settle()
		first := count(order)
		cond.Signal()
		settle()
		second := take(order)
		cond.Signal()
		settle()
		return say(first, second, take(order))
	}},
	{"Cond: Broadcast wakes all", "sync TestCondBroadcast", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		awake := make(chan bool, 3)
		for i := 0; i < 3; i++ {
			start(func() { m.Lock(); cond.Wait(); awake <- true; m.Unlock() })
		}
		before := count(awake)
		cond.Broadcast()
		settle()
		return say(before, count(awake))
	}},
	{"Cond: nothing is kept for those that wait later", "sync TestCondSignalGenerations", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		cond.Signal()
		cond.Broadcast()
		m.Lock()
		return blocks(cond.Wait)
	}},
	{"Cond: the lock is free while one waits", "sync TestCondSignal", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		start(func() { m.Lock(); cond.Wait() })
		return say(m.TryLock())
	}},
	{"Cond: who is woken waits for the lock", "sync TestCondSignal", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		awake := make(chan bool, 1)
		start(func() { m.Lock(); cond.Wait(); awake <- true })
		m.Lock()
		cond.Signal()
		settle()
		held := ready(awake)
		m.Unlock()
		return say(held, arrives(awake), m.TryLock())
	}},
	{"Cond: a signal is not stolen by one that waits later", "sync TestCondSignalStealing", func() string {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		order := make(chan int, 2)
		start(func() { m.Lock(); cond.Wait(); order <- 1; m.Unlock() })
		m.Lock()
		cond.Signal()
		go func() { m.Lock(); cond.Wait(); order <- 2; m.Unlock() }()
		m.Unlock()
		settle()
		first := take(order)
		return say(first, count(order))
	}},
	{"Cond: with an RLocker", "sync TestRLocker", func() string {
		var m sync.RWMutex
		cond := sync.NewCond(m.RLocker())
		awake := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			start(func() { m.RLock(); cond.Wait(); awake <- true })
		}
		m.Lock()
		cond.Broadcast()
		settle()
		held := count(awake)
		m.Unlock()
		settle()
		return say(held, count(awake))
	}},
	{"Cond: Wait without the lock", "sync TestMutexMisuse", func() string {
		return fatal(func() { sync.NewCond(&sync.Mutex{}).Wait() })
	}},
	{"deadlock: WaitGroup.Wait", "sync TestWaitGroup", func() string {
		return deadlocks(func() {
			var group sync.WaitGroup
			group.Add(1)
			group.Wait()
		})
	}},
	{"deadlock: Cond.Wait", "sync TestCondSignal", func() string {
		return deadlocks(func() {
			var m sync.Mutex
			m.Lock()
			sync.NewCond(&m).Wait()
		})
	}},
}
