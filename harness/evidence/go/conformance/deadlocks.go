package main

import (
	"context"
	"time"
)

var deadlockRules = []rule{
	{"deadlock: a receive", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { <-make(chan int) })
	}},
	{"deadlock: a send", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { make(chan int) <- 1 })
	}},
	{"deadlock: a receive from nil", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { <-(chan int)(nil) })
	}},
	{"deadlock: a send to nil", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { (chan int)(nil) <- 1 })
	}},
	{"deadlock: a select without cases", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { select {} })
	}},
	{"deadlock: a select", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() {
			a, b := make(chan int), make(chan int)
			select {
			case <-a:
			case <-b:
			}
		})
	}},
	{"deadlock: a stopped timer", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() {
			timer := time.NewTimer(unit)
			timer.Stop()
			<-timer.C
		})
	}},
	{"no deadlock: a pending callback can still come", "time TestSleepZeroDeadlock", func() string {
		return deadlocks(func() {
			c := make(chan int)
			time.AfterFunc(unit, func() { c <- 1 })
			<-c
		})
	}},
	{"no deadlock: a deadline can still come", "time TestSleepZeroDeadlock", func() string {
		return deadlocks(func() {
			ctx, cancel := context.WithTimeout(context.Background(), unit)
			defer cancel()
			<-ctx.Done()
		})
	}},
}
