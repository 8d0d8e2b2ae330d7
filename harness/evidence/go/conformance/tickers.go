package main

import (
	"math"
	"time"
)

var tickerRules = []rule{
	{"a ticker: len and cap before a tick", "time TestChan", func() string {
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		return sizes(ticker.C)
	}},
	{"a ticker: len and cap after three ticks, unread", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		pass(3.5)
		return sizes(ticker.C)
	}},
	{"a ticker ticks every period", "time TestTicker", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		a, b := units((<-ticker.C).Sub(begin)), units((<-ticker.C).Sub(begin))
		return say(a, b, units((<-ticker.C).Sub(begin)))
	}},
	{"a ticker drops what is not read", "time TestTickTimes", func() string {
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		return say(count(ticker.C))
	}},
	{"a ticker that is read late tells the time of the first tick", "time TestTickTimes", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		return say(units((<-ticker.C).Sub(begin)))
	}},
	{"a ticker keeps its phase, however late it is read", "time TestTickTimes", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		<-ticker.C
		next := units((<-ticker.C).Sub(begin))
		return say(next, units((<-ticker.C).Sub(begin)))
	}},
	{"a stopped ticker does not tick", "time TestTicker", func() string {
		ticker := time.NewTicker(unit)
		ticker.Stop()
		pass(3)
		return say(ready(ticker.C))
	}},
	{"Stop of a ticker does not close its channel", "time TestTeardown", func() string {
		ticker := time.NewTicker(unit)
		ticker.Stop()
		ticker.Stop()
		return blocks(func() { <-ticker.C })
	}},
	{"Stop of a ticker with an unread tick: it can be read", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		pass(2.5)
		ticker.Stop()
		return say(ready(ticker.C))
	}},
	{"Reset of a ticker: the new period counts from now", "time TestTicker", func() string {
		begin := time.Now()
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		pass(1)
		ticker.Reset(2 * unit)
		first := units((<-ticker.C).Sub(begin))
		return say(first, units((<-ticker.C).Sub(begin)))
	}},
	{"Reset of a ticker with an unread tick: it can be read", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		pass(2.5)
		ticker.Reset(10 * unit)
		return say(ready(ticker.C))
	}},
	{"Reset of a stopped ticker starts it", "time TestTicker", func() string {
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		ticker.Stop()
		ticker.Reset(unit)
		first, second := arrives(ticker.C), arrives(ticker.C)
		return say(first, second)
	}},
	{"two receivers of one ticker: both get ticks", "time TestMultiWakeupTicker", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-ticker.C; got <- true }()
		}
		first, second := arrives(got), arrives(got)
		return say(first, second)
	}},
	{"NewTicker(0) panics", "time TestNewTickerLtZeroDuration", func() string {
		return panics(func() { time.NewTicker(0) })
	}},
	{"NewTicker of less than zero panics", "time TestNewTickerLtZeroDuration", func() string {
		return panics(func() { time.NewTicker(-unit) })
	}},
	{"Reset(0) of a ticker panics", "time TestTickerResetLtZeroDuration", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		return panics(func() { ticker.Reset(0) })
	}},
	{"Stop of a ticker that nobody made", "time TestTickerStopWithDirectInitialization", func() string {
		var ticker time.Ticker
		return panics(func() { ticker.Stop() })
	}},
	{"Reset of a ticker that nobody made panics", "time TestTickerStopWithDirectInitialization", func() string {
		var ticker time.Ticker
		return panics(func() { ticker.Reset(unit) })
	}},
	{"a ticker of the largest duration never ticks", "time TestOverflowPeriodRuntimeTimer", func() string {
		ticker := time.NewTicker(math.MaxInt64)
		defer ticker.Stop()
		pass(2)
		return say(ready(ticker.C))
	}},
	{"Tick ticks", "time TestTick", func() string {
		c := time.Tick(unit)
		first, second := arrives(c), arrives(c)
		return say(first, second)
	}},
	{"Tick of zero or less is nil", "time TestTick", func() string {
		return say(time.Tick(0) == nil, time.Tick(-unit) == nil)
	}},
}
