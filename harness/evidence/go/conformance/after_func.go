package main

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

var afterFuncRules = []rule{
	{"AfterFunc has no channel", "time TestAfterFunc", func() string {
		return say(time.AfterFunc(unit, func() {}).C == nil)
	}},
	{"AfterFunc runs once, after its delay", "time TestAfterFunc", func() string {
		begin := time.Now()
		ran := make(chan int, 2)
		time.AfterFunc(2*unit, func() { ran <- units(time.Since(begin)) })
		pass(5)
		return say(<-ran, ready(ran))
	}},
	{"AfterFunc arms itself again and again", "time TestAfterFunc", func() string {
		begin := time.Now()
		turns, over := 0, make(chan int, 1)
		var again func()
		again = func() {
			if turns++; turns < 3 {
				time.AfterFunc(unit, again)
			} else {
				over <- units(time.Since(begin))
			}
		}
		time.AfterFunc(unit, again)
		return say(<-over)
	}},
	{"AfterFunc(0) and less run at once", "time TestIssue5745", func() string {
		ran := make(chan int, 2)
		time.AfterFunc(0, func() { ran <- 0 })
		time.AfterFunc(-unit, func() { ran <- 0 })
		zero, less := arrives(ran), arrives(ran)
		return say(zero, less)
	}},
	{"AfterFunc of the largest duration never runs, and can be stopped", "time TestOverflowSleep", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(math.MaxInt64, func() { ran <- 0 })
		pass(2)
		came := ready(ran)
		return say(came, timer.Stop())
	}},
	{"AfterFunc: Stop before it runs, then again", "time TestAfterStop", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(2*unit, func() { ran <- 0 })
		first, second := timer.Stop(), timer.Stop()
		pass(4)
		return say(first, second, ready(ran))
	}},
	{"AfterFunc: Stop after it ran", "time TestStopResult", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(unit, func() { ran <- 0 })
		<-ran
		return say(timer.Stop())
	}},
	{"AfterFunc: Stop in the callback", "time TestStopResult", func() string {
		var timer *time.Timer
		told := make(chan bool, 1)
		timer = time.AfterFunc(unit, func() { told <- timer.Stop() })
		return say(<-told)
	}},
	{"AfterFunc: Stop does not wait for a callback that runs", "time TestStopResult", func() string {
		begun, release := make(chan int), make(chan int)
		timer := time.AfterFunc(unit, func() { begun <- 0; <-release })
		<-begun
		stopped := timer.Stop()
		close(release)
		return say(stopped)
	}},
	{"AfterFunc: Reset before it runs", "time TestReset", func() string {
		begin := time.Now()
		ran := make(chan int, 2)
		timer := time.AfterFunc(2*unit, func() { ran <- units(time.Since(begin)) })
		active := timer.Reset(4 * unit)
		pass(7)
		return say(active, <-ran, ready(ran))
	}},
	{"AfterFunc: Reset after it ran has it run again", "time TestResetResult", func() string {
		ran := make(chan int, 2)
		timer := time.AfterFunc(unit, func() { ran <- 0 })
		<-ran
		active := timer.Reset(unit)
		return say(active, arrives(ran))
	}},
	{"AfterFunc: Reset in the callback, whose runs may overlap", "time TestResetResult", func() string {
		var timer *time.Timer
		told, running, most := make(chan bool, 2), int32(0), int32(0)
		turn := int32(0)
		timer = time.AfterFunc(unit, func() {
			if now := atomic.AddInt32(&running, 1); now > atomic.LoadInt32(&most) {
				atomic.StoreInt32(&most, now)
			}
			if atomic.AddInt32(&turn, 1) == 1 {
				told <- timer.Reset(unit)
			}
			pass(3)
			atomic.AddInt32(&running, -1)
		})
		active := <-told
		pass(6)
		return say(active, atomic.LoadInt32(&most))
	}},
	{"AfterFunc: a callback that blocks holds up no other", "time TestAfterFuncStarvation", func() string {
		ran := make(chan int, 1)
		time.AfterFunc(unit, func() { select {} })
		time.AfterFunc(2*unit, func() { ran <- 0 })
		return say(arrives(ran))
	}},
	{"AfterFunc(0) runs while its maker yields", "time TestAfterFuncStarvation", func() string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		var ran int32
		time.AfterFunc(0, func() { atomic.StoreInt32(&ran, 1) })
		before := atomic.LoadInt32(&ran)
		for i := 0; i < 100000 && atomic.LoadInt32(&ran) == 0; i++ {
			runtime.Gosched()
		}
		return say(before, atomic.LoadInt32(&ran))
	}},
}
