package main

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

var timerRules = []rule{
	{"a timer: len and cap before it expires", "time TestChan", func() string {
		return sizes(time.NewTimer(10 * unit).C)
	}},
	{"a timer: len and cap when it has expired, unread", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return sizes(timer.C)
	}},
	{"a timer fires once, after its delay", "time TestAfter", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		stamp := <-timer.C
		pass(3)
		return say(units(stamp.Sub(begin)), ready(timer.C))
	}},
	{"a timer that is read late tells when it expired", "time TestAfterTimes", func() string {
		begin := time.Now()
		timer := time.NewTimer(unit)
		pass(4)
		return say(units((<-timer.C).Sub(begin)))
	}},
	{"After tells the time of expiry", "time TestAfterTick", func() string {
		begin := time.Now()
		return say(units((<-time.After(2 * unit)).Sub(begin)))
	}},
	{"timers fire by deadline, not by order of arming", "time TestAfterQueuing", func() string {
		order := make(chan int, 4)
		for _, delay := range []int{3, 1, 4, 2} {
			delay := delay
			time.AfterFunc(time.Duration(2*delay)*unit, func() { order <- delay })
		}
		a, b := <-order, <-order
		d := <-order
		return say(a, b, d, <-order)
	}},
	{"Stop of an active timer, then again", "time TestStopResult", func() string {
		timer := time.NewTimer(10 * unit)
		first := timer.Stop()
		return say(first, timer.Stop())
	}},
	{"a stopped timer does not fire", "time TestAfterStop", func() string {
		timer := time.NewTimer(unit)
		timer.Stop()
		pass(3)
		return say(ready(timer.C))
	}},
	{"Stop does not close the channel", "time TestChan", func() string {
		timer := time.NewTimer(10 * unit)
		timer.Stop()
		return blocks(func() { <-timer.C })
	}},
	{"Stop of a timer that was received", "time TestStopResult", func() string {
		timer := time.NewTimer(unit)
		<-timer.C
		return say(timer.Stop())
	}},
	{"Stop of an expired, unread timer", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return say(timer.Stop())
	}},
	{"Stop of an expired, unread timer: the stale value can be read", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Stop()
		return say(ready(timer.C))
	}},
	{"Stop of a timer that a receiver waits for leaves it waiting", "time TestChan", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 1)
		start(func() { <-timer.C; got <- true })
		stopped := timer.Stop()
		pass(3)
		return say(stopped, ready(got))
	}},
	{"Stop after a receiver that waited got the value", "time TestStopResult", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 1)
		start(func() { <-timer.C; got <- true })
		<-got
		return say(timer.Stop())
	}},
	{"Reset of an active timer moves its deadline", "time TestReset", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		pass(1)
		active := timer.Reset(4 * unit)
		return say(active, units((<-timer.C).Sub(begin)), ready(timer.C))
	}},
	{"Reset to an earlier deadline", "time TestTimerModifiedEarlier", func() string {
		begin := time.Now()
		timer := time.NewTimer(1000 * unit)
		active := timer.Reset(2 * unit)
		return say(active, units((<-timer.C).Sub(begin)))
	}},
	{"Reset of a stopped timer arms it", "time TestResetResult", func() string {
		timer := time.NewTimer(unit)
		timer.Stop()
		active := timer.Reset(unit)
		return say(active, arrives(timer.C))
	}},
	{"Reset of a timer that was received arms it", "time TestResetResult", func() string {
		timer := time.NewTimer(unit)
		<-timer.C
		active := timer.Reset(unit)
		return say(active, arrives(timer.C))
	}},
	{"Reset of an expired, unread timer", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return say(timer.Reset(10 * unit))
	}},
	{"Reset of an expired, unread timer: the stale value can be read", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Reset(10 * unit)
		return say(ready(timer.C))
	}},
	{"Reset of an expired, unread timer: values in all", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Reset(unit)
		pass(2)
		return say(count(timer.C))
	}},
	{"Reset while a receiver waits: it gets the new time", "time TestMultiWakeupTimer", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		got := make(chan int, 1)
		start(func() { got <- units((<-timer.C).Sub(begin)) })
		timer.Reset(4 * unit)
		return say(<-got)
	}},
	{"two receivers of one timer: one gets the value", "time TestMultiWakeupTimer", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-timer.C; got <- true }()
		}
		pass(4)
		return say(count(got))
	}},
	{"two receivers of one timer: Reset wakes the second", "time TestMultiWakeupTimer", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-timer.C; got <- true }()
		}
		<-got
		active := timer.Reset(unit)
		return say(active, arrives(got))
	}},
	{"a select hears a message before a timer, and the timer stays", "time TestChan", func() string {
		timer := time.NewTimer(2 * unit)
		messages := make(chan int, 1)
		messages <- 1
		select {
		case <-messages:
		case <-timer.C:
			return "the timer"
		}
		return say("the message, then the timer", arrives(timer.C))
	}},
	{"After(0) and After of less are due at once", "time TestZeroTimer", func() string {
		zero, less := arrives(time.After(0)), arrives(time.After(-unit))
		return say(zero, less)
	}},
	{"NewTimer(0): Stop after it was due", "time TestZeroTimer", func() string {
		timer := time.NewTimer(0)
		settle()
		return say(timer.Stop(), ready(timer.C))
	}},
	{"Reset(0) is due at once", "time TestZeroTimer", func() string {
		timer := time.NewTimer(10 * unit)
		active := timer.Reset(0)
		return say(active, arrives(timer.C))
	}},
	{"the largest duration never comes, and can be stopped", "time TestOverflowSleep", func() string {
		timer := time.NewTimer(math.MaxInt64)
		pass(2)
		fired := ready(timer.C)
		return say(fired, timer.Stop())
	}},
	{"the smallest duration is due at once", "time TestOverflowSleep", func() string {
		return say(arrives(time.After(math.MinInt64)))
	}},
	{"Reset to the largest duration and back", "time TestOverflowPeriodRuntimeTimer", func() string {
		timer := time.NewTimer(unit)
		there := timer.Reset(math.MaxInt64)
		pass(2)
		fired := ready(timer.C)
		back := timer.Reset(unit)
		return say(there, fired, back, arrives(timer.C))
	}},
	{"Sleep of zero or less returns at once", "time TestSleepZeroDeadlock", func() string {
		begin := time.Now()
		time.Sleep(0)
		time.Sleep(-10 * unit)
		return say(units(time.Since(begin)))
	}},
	{"Sleep takes at least as long as it says", "time TestSleep", func() string {
		begin := time.Now()
		time.Sleep(3 * unit)
		return say(time.Since(begin) >= 3*unit, units(time.Since(begin)))
	}},
	{"Stop of a timer that nobody made panics", "time TestZeroTimerStopPanics", func() string {
		var timer time.Timer
		return panics(func() { timer.Stop() })
	}},
	{"Reset of a timer that nobody made panics", "time TestZeroTimerResetPanics", func() string {
		var timer time.Timer
		return panics(func() { timer.Reset(unit) })
	}},
	{"Stop and arm by turns, while callbacks run: no callback comes after Stop said true", "time TestTimerStopStress", func() string {
		late := int32(0)
		for i := 0; i < 100; i++ {
			stopped := int32(0)
			timer := time.AfterFunc(unit, func() {
				if atomic.LoadInt32(&stopped) == 1 {
					atomic.AddInt32(&late, 1)
				}
			})
			if timer.Stop() {
				atomic.StoreInt32(&stopped, 1)
			}
		}
		pass(3)
		return say(atomic.LoadInt32(&late))
	}},
	{"NewTimer(0): received at once, or after a yield", "time TestZeroTimer", func() string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		timer := time.NewTimer(0)
		before := ready(timer.C)
		received := before
		for i := 0; i < 100000 && !received; i++ {
			runtime.Gosched()
			received = ready(timer.C)
		}
		return say(before, received)
	}},
}
